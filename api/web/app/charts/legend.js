// A scale's colours with the figures at which they begin.

import { html } from '../html.js';
import { legend, legendOfChanges } from './scales.js';

/** @param {{marks: {name: string, from: string}[]}} properties */
const Marks = ({ marks }) => html`<ul class="legend" aria-hidden="true">${marks.map((one) => html`<li><i class=${one.name}></i>${one.from}</li>`)}</ul>`;

/** @param {{measure: import('./scales.js').Measure, greatest: number}} properties */
export const Legend = ({ measure, greatest }) => html`<${Marks} marks=${legend(measure, greatest)} />`;

export const ChangeLegend = () => html`<${Marks} marks=${legendOfChanges()} />`;
