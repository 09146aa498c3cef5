// The days of a year, a row a month. Dragging over days, or Shift with the arrow keys, selects them.

import { useEffect, useRef, useState } from 'preact/hooks';
import { dayLater } from '../format/times.js';
import { classes, html } from '../html.js';
import { language } from '../state/settings.js';
import { hideTip, showTip } from './tip.js';

/** @typedef {{name: string, isPale: boolean, lines: string[]}} DayLook name: the class of its colour */

const MONTHS = Array.from({ length: 12 }, (_, month) => month);

/** @param {number} year @param {number} month */
function daysOf(year, month) {
  const many = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return Array.from({ length: many }, (_, day) => new Date(Date.UTC(year, month, day + 1)).toISOString().slice(0, 10));
}

/**
 * @param {{year: number, label: string, look: (day: string) => DayLook, onOpen: (day: string) => void, onSelect: (first: string, last: string) => void}} properties
 */
export function Calendar({ year, label, look, onOpen, onSelect }) {
  const [focus, setFocus] = useState(`${year}-01-01`);
  const [range, setRange] = useState(/** @type {[string, string] | null} */ (null));
  const dragged = useRef(/** @type {{from: string, to: string} | null} */ (null));
  const place = useRef(/** @type {HTMLTableElement | null} */ (null));
  useEffect(() => {
    setRange(null);
    setFocus(`${year}-01-01`);
  }, [year]);
  const [low, high] = range ? [range[0] < range[1] ? range[0] : range[1], range[0] < range[1] ? range[1] : range[0]] : ['', ''];
  const month = new Intl.DateTimeFormat(language.value, { month: 'short', timeZone: 'UTC' });
  /** @param {Event} event */
  const dayAt = (event) => /** @type {Element} */ (event.target).closest?.('td')?.dataset.day;
  /** @param {PointerEvent} event */
  const down = (event) => {
    const day = dayAt(event);
    if (!day || event.button) return;
    dragged.current = { from: day, to: day };
    if (event.pointerType !== 'touch') event.preventDefault();
  };
  /** @param {PointerEvent} event */
  const over = (event) => {
    const under = document.elementFromPoint(event.clientX, event.clientY)?.closest('td')?.dataset.day;
    if (!dragged.current || !under || under === dragged.current.to) return;
    dragged.current.to = under;
    hideTip();
    setRange([dragged.current.from, under]);
  };
  const up = () => {
    const drag = dragged.current;
    dragged.current = null;
    if (!drag) return;
    if (drag.from === drag.to) onOpen(drag.from);
    else onSelect(drag.from < drag.to ? drag.from : drag.to, drag.from < drag.to ? drag.to : drag.from);
  };
  useEffect(() => {
    window.addEventListener('pointerup', up);
    return () => window.removeEventListener('pointerup', up);
  });
  /** @param {KeyboardEvent} event */
  const key = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -30, ArrowDown: 30 }[event.key];
    if (step) {
      const vertical = Math.abs(step) === 30;
      const next = vertical ? sameDay(focus, Math.sign(step)) : dayLater(focus, step);
      if (Number(next.slice(0, 4)) !== year) return;
      if (event.shiftKey) setRange([range ? range[0] : focus, next]);
      else setRange(null);
      setFocus(next);
      /** @type {HTMLElement | null | undefined} */ (place.current?.querySelector(`[data-day="${next}"]`))?.focus();
    } else if (event.key === 'Enter' || event.key === ' ') onOpen(focus);
    else if (event.key === 'c') onSelect(low || focus, high || focus);
    else if (event.key === 'Escape' && range) setRange(null);
    else return;
    event.preventDefault();
  };
  return html`<table class="calendar" role="grid" aria-label=${`${label} ${year}`} aria-multiselectable="true" ref=${place} onPointerDown=${down} onPointerMove=${over} onKeyDown=${key} onMouseLeave=${hideTip}>
    <colgroup><col class="months" /><col span="31" /></colgroup>
    <thead class="unseen"><tr><th scope="col">${year}</th>${Array.from({ length: 31 }, (_, day) => html`<th scope="col">${day + 1}</th>`)}</tr></thead>
    <tbody>${MONTHS.map((one) => html`<tr><th scope="row">${month.format(new Date(Date.UTC(year, one, 1)))}</th>${daysOf(year, one).map((day) => {
      const { name, isPale, lines } = look(day);
      const isIn = day >= low && day <= high && !!low;
      return html`<td key=${day} class=${classes(name, isPale && 'pale', isIn && 'selected')} data-day=${day} aria-selected=${isIn} aria-label=${lines.join(', ')} tabindex=${day === focus ? 0 : -1}
        onMouseMove=${(/** @type {MouseEvent} */ event) => !dragged.current && showTip(event, lines)} onFocus=${(/** @type {Event} */ event) => { setFocus(day); if (!dragged.current) showTip(event, lines); }} onBlur=${hideTip}><span>${Number(day.slice(8))}</span></td>`;
    })}</tr>`)}</tbody>
  </table>`;
}

/** The same day of the next or last month, or its last day. @param {string} day @param {number} step */
function sameDay(day, step) {
  const [year, month, date] = day.split('-').map(Number);
  const days = daysOf(year, month - 1 + step);
  return days[Math.min(date, days.length) - 1];
}
