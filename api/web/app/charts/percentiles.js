// Quantiles of times on a logarithmic scale, with the figures beside them.

import { duration } from '../format/times.js';
import { html } from '../html.js';
import { useWidth } from './timeline.js';

/** @typedef {{p50: number, p90: number, p99: number, p999: number, max: number}} Quantiles microseconds */

const NAMES = /** @type {const} */ (['p50', 'p90', 'p99', 'p999', 'max']);
const LABELS = ['p50', 'p90', 'p99', 'p99.9', 'max'];
const [HEIGHT, LEFT, BOTTOM, TOP] = [170, 56, 22, 8];

/** @param {{lines: {name: string, tone: string, of: Quantiles}[]}} properties */
export function Percentiles({ lines }) {
  const [place, width] = useWidth();
  const values = lines.flatMap((line) => NAMES.map((name) => Math.max(1, line.of[name])));
  const [low, high] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(10, ...values)))];
  const x = (/** @type {number} */ i) => LEFT + 12 + (i / (NAMES.length - 1)) * (width - LEFT - 36);
  const y = (/** @type {number} */ value) => TOP + (1 - (Math.log10(Math.max(1, value)) - low) / Math.max(1, high - low)) * (HEIGHT - BOTTOM - TOP);
  const marks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return html`<div ref=${place}>${width > 0 && html`<svg class="percentiles" viewBox=${`0 0 ${width} ${HEIGHT}`} role="img" aria-label=${lines.map((line) => line.name).join(', ')}>
    ${marks.map((value) => html`<path class="base" d=${`M${LEFT} ${y(value)}H${width}`} /><text x=${LEFT - 6} y=${y(value) + 4} text-anchor="end">${duration(value / 1e6)}</text>`)}
    ${LABELS.map((label, i) => html`<text x=${x(i)} y=${HEIGHT - 6} text-anchor="middle">${label}</text>`)}
    ${lines.map((line) => html`<g class=${`line ${line.tone}`}><path d=${`M${NAMES.map((name, i) => `${x(i)} ${y(line.of[name])}`).join('L')}`} />${NAMES.map((name, i) => html`<circle cx=${x(i)} cy=${y(line.of[name])} r="3.5" />`)}</g>`)}
  </svg>`}</div>
  <div class="scroll"><table class="small"><thead><tr><td></td>${LABELS.map((label) => html`<th scope="col" class="number">${label}</th>`)}</tr></thead>
    <tbody>${lines.map((line) => html`<tr><th scope="row"><span class=${`key ${line.tone}`}></span>${line.name}</th>${NAMES.map((name) => html`<td class="number">${duration(line.of[name] / 1e6)}</td>`)}</tr>`)}</tbody></table></div>`;
}
