// A small line without axes: how a figure came to where it is.

import { html } from '../html.js';

const [WIDTH, HEIGHT] = [120, 28];

/** @param {{values: (number | null)[], tone?: string}} properties values: at equal steps, null where there is none */
export function Spark({ values, tone = '' }) {
  const known = values.map((value, i) => ({ value, i })).filter((one) => one.value !== null);
  if (known.length < 2) return null;
  const numbers = known.map((one) => Number(one.value));
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const x = (/** @type {number} */ i) => ((i / (values.length - 1)) * (WIDTH - 4) + 2).toFixed(1);
  const y = (/** @type {number} */ value) => (high === low ? HEIGHT / 2 : HEIGHT - 3 - ((value - low) / (high - low)) * (HEIGHT - 6)).toFixed(1);
  const line = known.map((one) => `${x(one.i)} ${y(Number(one.value))}`).join('L');
  const end = known[known.length - 1];
  return html`<svg class=${`spark ${tone}`} viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
    <path d=${`M${line}`} vector-effect="non-scaling-stroke" /><path class="spark-end" d=${`M${x(end.i)} ${y(Number(end.value))}h0`} vector-effect="non-scaling-stroke" />
  </svg>`;
}
