// The routes with the greatest share of late deliveries, with how sure that is.

import { useWorst } from '../../api/answers.js';
import { Card } from '../../parts/card.js';
import { Empty, Show } from '../../parts/notice.js';
import { count, percent } from '../../format/numbers.js';
import { html } from '../../html.js';
import { t } from '../../words/words.js';
import { choose } from './chosen.js';
import { ask } from './query.js';

const SHOWN = 12;

/** @param {{low: number, value: number, high: number, greatest: number}} properties basis points */
function Interval({ low, value, high, greatest }) {
  const x = (/** @type {number} */ at) => 2 + (at / greatest) * 116;
  return html`<svg class="interval" viewBox="0 0 120 16" preserveAspectRatio="none" role="img" aria-label=${`${percent(low)} – ${percent(high)}`}>
    <path class="ground" d="M2 8H118" vector-effect="non-scaling-stroke" /><path class="reach" d=${`M${x(low)} 8H${x(high)}`} vector-effect="non-scaling-stroke" /><rect class="value" x=${x(value) - 1.5} y="3" width="3" height="10" />
  </svg>`;
}

/** @param {{range: import('../../state/range.js').Range, route: import('./query.js').Route}} properties */
export function Worst({ range, route }) {
  const least = route.seller && route.customer ? 1 : 30;
  const worst = useWorst(ask('/v1/routes/worst', range, route, { min_delivered: least, limit: SHOWN }));
  const data = worst.data;
  const note = data ? t('overview.worst.note', { n: count(data.min_delivered), m: count(data.left_out) }) : '';
  return html`<${Card} name="area-worst" title=${t('overview.worst')} note=${note}>
    <${Show} of=${worst} height=${300}>${(/** @type {any} */ { routes }) => {
      if (!routes.length) return html`<${Empty} />`;
      const greatest = Math.max(...routes.map((/** @type {any} */ one) => one.late_basis_points_high));
      return html`<div class="scroll"><table>
        <thead><tr><th scope="col">${t('common.route')}</th><th scope="col" class="number">${t('overview.worst.rate')}</th><th scope="col" class="wide">${t('overview.worst.interval')}</th><th scope="col" class="number">${t('overview.worst.delivered')}</th></tr></thead>
        <tbody>${routes.map((/** @type {any} */ one) => html`<tr data-route=${`${one.seller_region}-${one.customer_region}`}>
          <th scope="row"><button class="button plain" type="button" onClick=${() => choose({ seller: one.seller_region, customer: one.customer_region })}>${one.seller_region} → ${one.customer_region}</button></th>
          <td class="number">${percent(one.late_basis_points)}</td>
          <td><${Interval} low=${one.late_basis_points_low} value=${one.late_basis_points} high=${one.late_basis_points_high} greatest=${greatest} /></td>
          <td class="number">${count(one.delivered)}</td></tr>`)}</tbody>
      </table></div>`;
    }}</${Show}>
  </${Card}>`;
}
