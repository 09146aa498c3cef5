// A range in steps of a month, a week or a day, to be moved over or played.

import { useEffect, useState } from 'preact/hooks';
import { Icon } from '../../parts/icon.js';
import { dayLater, daysBetween } from '../../format/times.js';
import { html } from '../../html.js';
import { setParameters } from '../../state/route.js';
import { t } from '../../words/words.js';

/** Time for which a step is shown, in ms. */
const SHOWN = 900;

/** @typedef {{start: string, end: string}} Days */

/** The first day of the next month. @param {string} day */
const nextMonth = (day) => new Date(Date.UTC(Number(day.slice(0, 4)), Number(day.slice(5, 7)), 1)).toISOString().slice(0, 10);

/** @param {Days} range @returns {Days[]} */
export function steps(range) {
  const length = daysBetween(range.start, range.end);
  const next = length > 150 ? nextMonth : length > 31 ? (/** @type {string} */ day) => dayLater(day, 7) : (/** @type {string} */ day) => dayLater(day, 1);
  const all = /** @type {Days[]} */ ([]);
  for (let start = range.start; start < range.end; ) {
    const end = next(start);
    all.push({ start, end: end < range.end ? end : range.end });
    start = end;
  }
  return all;
}

/** @param {{steps: Days[], step: number, range: Days}} properties step: 0 for the whole range */
export function Scrubber({ steps: all, step, range }) {
  const [plays, setPlays] = useState(false);
  const go = (/** @type {number} */ to) => setParameters({ step: to ? String(to) : null }, { replace: true });
  useEffect(() => {
    if (!plays) return undefined;
    const timer = setTimeout(() => {
      if (step >= all.length) setPlays(false);
      else go(step + 1);
    }, SHOWN);
    return () => clearTimeout(timer);
  }, [plays, step]);
  const days = step ? all[step - 1] : range;
  const start = () => {
    if (!plays && step >= all.length) go(1);
    setPlays(!plays);
  };
  const words = step ? `${days.start} – ${dayLater(days.end, -1)}` : t('overview.map.whole');
  return html`<div class="scrubber">
    <button class="button icon" type="button" aria-label=${t(plays ? 'overview.map.pause' : 'overview.map.play')} onClick=${start}><${Icon} name=${plays ? 'pause' : 'play'} /></button>
    <input type="range" min="0" max=${all.length} value=${step} aria-label=${t('overview.map.step')} aria-valuetext=${words} onInput=${(/** @type {any} */ event) => { setPlays(false); go(Number(event.target.value)); }} />
    <output>${words}</output>
  </div>`;
}
