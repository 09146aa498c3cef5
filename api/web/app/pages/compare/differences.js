// Digests of each view on both sides, and the rows of route figures that differ.

import { Card } from '../../parts/card.js';
import { Empty } from '../../parts/notice.js';
import { count } from '../../format/numbers.js';
import { classes, html } from '../../html.js';
import { t } from '../../words/words.js';

/** Figures that are shown of a row; the others are compared too. */
const COLUMNS = ['placed', 'delivered', 'delivered_late', 'delayed', 'lead_seconds_p50'];

/** @param {{views: any[]}} properties */
const Digests = ({ views }) => html`<${Card} title=${t('compare.digests')}><div class="scroll"><table>
  <thead><tr><th scope="col">${t('compare.view')}</th><th scope="col"><span class="unseen">${t('compare.equal')}</span></th><th scope="col">${t('compare.a')}</th><th scope="col">${t('compare.b')}</th></tr></thead>
  <tbody>${views.map((view) => html`<tr data-view=${view.view} data-equal=${view.equal}><th scope="row">${view.view}</th><td><span class=${classes('mark', view.equal ? 'good' : 'bad')}>${t(view.equal ? 'compare.equal' : 'compare.differs')}</span></td>
    ${[view.a, view.b].map((side) => html`<td class="nowrap">${count(side.rows)} <code class="small soft" title=${side.sha256}>${side.sha256.slice(0, 16)}…</code></td>`)}</tr>`)}</tbody>
</table></div></${Card}>`;

/** @param {{of: any, a: string, b: string}} properties */
export function Differences({ of, a, b }) {
  const cell = (/** @type {any} */ row, /** @type {string} */ column) => {
    const [one, other] = [row.a?.[column] ?? null, row.b?.[column] ?? null];
    return html`<td class=${classes('number', one !== other && 'differs')}>${count(one)}</td><td class=${classes('number', one !== other && 'differs')}>${count(other)}</td>`;
  };
  return html`<div class="stack"><${Digests} views=${of.views} />
    <${Card} title=${t('compare.rows')}>${of.rows.length === 0
      ? html`<${Empty}>${t('compare.rows.none')}</${Empty}>`
      : html`<div class="scroll tall" tabindex="0"><table>
        <thead><tr><th scope="col" rowspan="2">${t('common.day')}</th><th scope="col" rowspan="2">${t('common.route')}</th>${COLUMNS.map((column) => html`<th scope="colgroup" colspan="2" class="number mono">${column}</th>`)}</tr>
          <tr>${COLUMNS.map(() => html`<th scope="col" class="number">${a}</th><th scope="col" class="number">${b}</th>`)}</tr></thead>
        <tbody>${of.rows.map((/** @type {any} */ row) => html`<tr><th scope="row" class="nowrap">${row.stat_date}</th><td class="nowrap">${row.seller_region} → ${row.customer_region}</td>${COLUMNS.map((column) => cell(row, column))}</tr>`)}</tbody>
      </table></div>${of.left_out > 0 && html`<p class="soft">${t('compare.left', { n: count(of.left_out) })}</p>`}`}</${Card}>
  </div>`;
}
