// A scale's colours with the figures at which they begin.

import { html } from '../html.js';
import { legend } from './scales.js';

/** @param {{measure: import('./scales.js').Measure, greatest: number}} properties */
export const Legend = ({ measure, greatest }) =>
  html`<ul class="legend" aria-hidden="true">${legend(measure, greatest).map((one) => html`<li><i class=${one.name}></i>${one.from}</li>`)}</ul>`;
