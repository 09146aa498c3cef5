// Deliveries and the on-time rate by day, as a chart or as a table.

import { useState } from 'preact/hooks';
import { useStats } from '../../api/answers.js';
import { DaysChart } from '../../charts/days.js';
import { FEW } from '../../charts/scales.js';
import { Card, Choice } from '../../parts/card.js';
import { Empty, Show } from '../../parts/notice.js';
import { count, percent } from '../../format/numbers.js';
import { dayLater } from '../../format/times.js';
import { html } from '../../html.js';
import { setParameters } from '../../state/route.js';
import { t } from '../../words/words.js';
import { ask } from './query.js';

/** Days in the mean of the rate. */
const MEAN = 7;

/** Every day of the range, also those without anything. @param {any[]} rows @param {{start: string, end: string}} range */
function filled(rows, range) {
  const known = new Map(rows.map((row) => [row.stat_date, row]));
  const days = /** @type {import('../../charts/days.js').DayFigures[]} */ ([]);
  for (let day = range.start; day < range.end; day = dayLater(day, 1)) {
    const row = known.get(day);
    days.push({ day, delivered: row?.delivered ?? 0, late: row?.delivered_late ?? 0, rate: null });
  }
  days.forEach((one, i) => {
    const last = days.slice(Math.max(0, i - MEAN + 1), i + 1);
    const delivered = last.reduce((sum, day) => sum + day.delivered, 0);
    const late = last.reduce((sum, day) => sum + day.late, 0);
    // Of few deliveries a rate says little.
    one.rate = delivered >= FEW ? (delivered - late) / delivered : null;
  });
  return days;
}

/** @param {{rows: any[]}} properties */
const DaysTable = ({ rows }) => html`<div class="scroll tall" tabindex="0"><table>
  <thead><tr><th scope="col">${t('common.day')}</th><th scope="col" class="number">${t('overview.chart.delivered')}</th><th scope="col" class="number">${t('overview.chart.late')}</th><th scope="col" class="number">${t('overview.tile.ontime')}</th></tr></thead>
  <tbody>${rows.toReversed().map((row) => html`<tr data-day=${row.stat_date}><th scope="row">${row.stat_date}</th><td class="number">${count(row.delivered)}</td><td class="number">${count(row.delivered_late)}</td><td class="number">${percent(row.on_time_basis_points)}</td></tr>`)}</tbody>
</table></div>`;

/** @param {{range: import('../../state/range.js').Range, route: import('./query.js').Route}} properties */
export function DaysCard({ range, route }) {
  const [form, setForm] = useState('chart');
  const days = useStats(ask('/v1/routes/stats', range, route, { group: 'day', limit: 10000 }));
  const forms = /** @type {[string, string][]} */ ([['chart', t('common.chart')], ['table', t('common.table')]]);
  return html`<${Card} name="area-days" title=${t('overview.chart')} note=${t('overview.chart.hint')} actions=${html`<${Choice} label=${t('overview.chart')} options=${forms} value=${form} onChoose=${setForm} />`}>
    <${Show} of=${days} height=${300}>${(/** @type {any} */ data) => {
      if (!data.rows.length) return html`<${Empty} />`;
      if (form === 'table') return html`<${DaysTable} rows=${data.rows} />`;
      return html`<${DaysChart} days=${filled(data.rows, range)} onRange=${(/** @type {string} */ start, /** @type {string} */ end) => setParameters({ range: null, start, end })} />`;
    }}</${Show}>
  </${Card}>`;
}
