// A run under way: how far it is, its simulated clock beside the wall clock, its pace, and how punctual it is.

import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, write } from '../../api/http.js';
import { Percentiles } from '../../charts/percentiles.js';
import { Spark } from '../../charts/spark.js';
import { Card, Facts } from '../../parts/card.js';
import { Failed } from '../../parts/notice.js';
import { count, fixed } from '../../format/numbers.js';
import { duration, eventTime, wallTime } from '../../format/times.js';
import { html } from '../../html.js';
import { may } from '../../state/session.js';
import { t } from '../../words/words.js';

/** @typedef {import('ingest-types').RunAnswer} RunAnswer */
/** With the fields of a scaled run's schedule, where there is one. @typedef {import('ingest-types').Progress & Partial<import('ingest-types').Pace>} State */

/** Points of the curves over time. */
const KEPT = 240;

/** The figures over time, as far as this page has seen them. @param {State | null | undefined} progress */
function useHistory(progress) {
  const kept = useRef(/** @type {{late: number, slow: number, rate: number}[]} */ ([]));
  useEffect(() => {
    if (!progress?.latency_us) return;
    kept.current.push({ late: progress.lateness_us?.p99 ?? 0, slow: progress.latency_us.p99, rate: progress.rate_per_second ?? 0 });
    if (kept.current.length > KEPT) kept.current.shift();
  }, [progress?.records, progress?.simulated_at]);
  return kept.current;
}

/** @param {{run: RunAnswer, ask: (part: string) => string, again: () => void}} properties */
function Controls({ run, ask, again }) {
  const progress = /** @type {State | null | undefined} */ (run.progress);
  const pace = progress?.scale_factor ?? Number(run.scale_factor ?? 0);
  const [wished, setWished] = useState(/** @type {number | null} */ (null));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const isPaused = progress?.paused ?? run.state === 'paused';
  /** @param {() => Promise<unknown>} what */
  const act = async (what) => {
    setError(null);
    try {
      await what();
      again();
    } catch (reason) {
      setError(reason instanceof ApiError ? reason : new ApiError('offline', String(reason)));
    }
  };
  const change = (/** @type {Record<string, unknown>} */ body) => act(() => write('PATCH', ask(''), body));
  const shown = wished ?? pace ?? 1;
  const isScaled = run.kind === 'scaled';
  return html`<div class="stack">
    ${isScaled && pace && html`<label class="field"><span>${t('run.pace')}: <strong data-pace=${shown}>${t('run.pace.times', { n: fixed(shown, shown < 10 ? 1 : 0) })}</strong></span>
      <input type="range" min="0" max="6" step="0.05" value=${Math.log10(shown)} aria-valuetext=${t('run.pace.times', { n: fixed(shown, 0) })} disabled=${!may('replay')}
        onInput=${(/** @type {any} */ event) => setWished(Number((10 ** Number(event.target.value)).toPrecision(3)))} onChange=${(/** @type {any} */ event) => change({ scale_factor: Number((10 ** Number(event.target.value)).toPrecision(3)) }).then(() => setWished(null))} /></label>`}
    <div class="row">${isScaled && html`<button class="button" type="button" data-action="pause" disabled=${!may('replay')} onClick=${() => change({ paused: !isPaused })}>${t(isPaused ? 'run.resume' : 'run.pause')}</button>`}
      <button class="button danger" type="button" data-action="cancel" disabled=${!may('replay')} onClick=${() => window.confirm(t('run.cancel.sure')) && act(() => write('DELETE', ask('')))}>${t('run.cancel')}</button></div>
    ${error && html`<${Failed} error=${error} />`}
  </div>`;
}

/** @param {{run: RunAnswer, ask: (part: string) => string, again: () => void}} properties */
export function Progress({ run, ask, again }) {
  const progress = /** @type {State | null | undefined} */ (run.progress);
  const history = useHistory(progress);
  const [records, total] = [progress?.records ?? 0, progress?.total ?? run.counts?.events_planned ?? 0];
  const share = total ? Math.min(100, (100 * records) / total) : 0;
  return html`<${Card} title=${t('run.progress')}>
    <div class="stack">
      <div class="meter tall-meter" role="progressbar" aria-label=${t('run.progress')} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.floor(share)}><i style=${{ width: `${share}%` }}></i></div>
      <p>${t('run.progress.of', { written: count(records), planned: total ? count(total) : '–' })}</p>
      ${progress?.simulated_at &&
      html`<div class="clocks"><div><span class="soft">${t('run.clock.sim')}</span><strong data-clock="simulated">${eventTime(progress.simulated_at)}</strong></div><div><span class="soft">${t('run.clock.wall')}</span><strong>${wallTime(Date.now())}</strong></div></div>`}
      <div class="two-grid"><${Controls} run=${run} ask=${ask} again=${again} />
        ${progress && html`<${Facts} of=${[
          progress.seconds_left !== undefined && [t('run.left.time'), duration(progress.seconds_left)],
          progress.rate_per_second !== undefined && [t('run.rate'), count(progress.rate_per_second)],
          [t('run.rejects'), count(progress.rejects ?? 0)],
        ]} />`}</div>
      ${progress?.latency_us && html`<div class="two-grid">
        <div><h3>${t('run.quantiles')}</h3><${Percentiles} lines=${[{ name: t('run.lateness'), tone: 'blue', of: progress.lateness_us }, { name: t('run.latency'), tone: 'orange', of: progress.latency_us }]} /></div>
        <div class="stack"><div><h3>${t('run.latency')}, p99</h3><${Spark} values=${history.map((one) => one.slow)} tone="late" /></div><div><h3>${t('run.lateness')}, p99</h3><${Spark} values=${history.map((one) => one.late)} /></div><div><h3>${t('run.rate')}</h3><${Spark} values=${history.map((one) => one.rate)} tone="good" /></div></div>
      </div>`}
    </div>
  </${Card}>`;
}
