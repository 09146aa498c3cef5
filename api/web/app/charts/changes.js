// Facts that change by day: what comes above the line, what goes below it.

import { useState } from 'preact/hooks';
import { count, short } from '../format/numbers.js';
import { html } from '../html.js';
import { t } from '../words/words.js';
import { useWidth } from './timeline.js';
import { hideTip, showTip } from './tip.js';

/** @typedef {{day: string, added: number, changed: number, retracted: number}} DayDeltas */

const [HEIGHT, LEFT, BOTTOM] = [200, 40, 22];

/** @param {{days: DayDeltas[]}} properties */
const DaysTable = ({ days }) => html`<div class="scroll tall" tabindex="0"><table>
  <thead><tr><th scope="col">${t('common.day')}</th><th scope="col" class="number">${t('run.added')}</th><th scope="col" class="number">${t('run.changed')}</th><th scope="col" class="number">${t('run.retracted')}</th></tr></thead>
  <tbody>${days.map((one) => html`<tr><th scope="row">${one.day}</th><td class="number">${count(one.added)}</td><td class="number">${count(one.changed)}</td><td class="number">${count(one.retracted)}</td></tr>`)}</tbody>
</table></div>`;

/** @param {{days: DayDeltas[]}} properties */
function Columns({ days }) {
  const [place, width] = useWidth();
  const first = Date.parse(days[0].day);
  const many = Math.round((Date.parse(days[days.length - 1].day) - first) / 86_400_000) + 1;
  const up = Math.max(1, ...days.map((one) => one.added + one.changed));
  const down = Math.max(0, ...days.map((one) => one.retracted));
  const scale = (HEIGHT - BOTTOM - 10) / (up + down);
  const zero = 8 + up * scale;
  const step = (width - LEFT - 4) / many;
  const x = (/** @type {string} */ day) => LEFT + Math.round((Date.parse(day) - first) / 86_400_000) * step;
  const bar = (/** @type {DayDeltas} */ one, /** @type {number} */ from, /** @type {number} */ height, /** @type {string} */ name) => height > 0 && html`<rect class=${name} x=${x(one.day) + step * 0.1} y=${from} width=${Math.max(1, step * 0.8)} height=${Math.max(1, height)} />`;
  const lines = (/** @type {DayDeltas} */ one) => [one.day, `${t('run.added')}: ${count(one.added)}`, `${t('run.changed')}: ${count(one.changed)}`, `${t('run.retracted')}: ${count(one.retracted)}`];
  const shown = Math.max(2, Math.min(7, Math.floor(width / 130)));
  const marks = Array.from({ length: shown }, (_, i) => Math.round((i * (many - 1)) / (shown - 1)));
  return html`<div ref=${place}>${width > 0 && html`<svg class="changes" viewBox=${`0 0 ${width} ${HEIGHT}`} role="img" aria-label=${t('run.byday')} onMouseLeave=${hideTip}>
    <path class="base" d=${`M${LEFT} ${zero}H${width}M${LEFT} 8H${width}`} /><text x=${LEFT - 6} y="12" text-anchor="end">${short(up)}</text><text x=${LEFT - 6} y=${zero + 4} text-anchor="end">0</text>${down > 0 && html`<text x=${LEFT - 6} y=${zero + down * scale + 2} text-anchor="end">−${short(down)}</text>`}
    ${days.map((one) => html`<g onMouseMove=${(/** @type {MouseEvent} */ event) => showTip(event, lines(one))}><rect class="hit" x=${x(one.day)} y="0" width=${step} height=${HEIGHT - BOTTOM} />
      ${bar(one, zero - one.changed * scale, one.changed * scale, 'changed')}${bar(one, zero - (one.changed + one.added) * scale, one.added * scale, 'added')}${bar(one, zero, one.retracted * scale, 'retracted')}</g>`)}
    ${marks.map((at, i) => html`<text x=${LEFT + (at + 0.5) * step} y=${HEIGHT - 5} text-anchor=${i === 0 ? 'start' : i === marks.length - 1 ? 'end' : 'middle'}>${new Date(first + at * 86_400_000).toISOString().slice(0, 10)}</text>`)}
  </svg>`}</div>`;
}

/** @param {{days: DayDeltas[]}} properties */
export function DayChanges({ days }) {
  const [asTable, setAsTable] = useState(false);
  return html`<div class="row spread"><ul class="legend"><li><i class="added"></i>${t('run.added')}</li><li><i class="changed"></i>${t('run.changed')}</li><li><i class="retracted"></i>${t('run.retracted')}</li></ul>
    <button class="button" type="button" aria-pressed=${asTable} onClick=${() => setAsTable(!asTable)}>${t('common.table')}</button></div>
    ${asTable ? html`<${DaysTable} days=${days} />` : html`<${Columns} days=${days} />`}`;
}
