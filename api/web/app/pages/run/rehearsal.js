// What a correction or a revert would change, before it does: facts by type, day and route, sample orders, guards.

import { useResource } from '../../api/resource.js';
import { BrazilMap } from '../../charts/map.js';
import { DayChanges } from '../../charts/changes.js';
import { colour } from '../../charts/scales.js';
import { Card, Facts } from '../../parts/card.js';
import { Empty, Failed, Loading } from '../../parts/notice.js';
import { count } from '../../format/numbers.js';
import { html } from '../../html.js';
import { statusName, t } from '../../words/words.js';
import { Guards, Left } from './guards.js';
import { Samples } from './samples.js';

/** @typedef {{added: number, changed: number, retracted: number, same: number}} Deltas */

/** @param {Deltas} deltas */
const differing = (deltas) => deltas.added + deltas.changed + deltas.retracted;

/** @param {{of: Record<string, Deltas>}} properties */
const ByType = ({ of }) => html`<${Card} title=${t('run.bytype')}><div class="scroll"><table>
  <thead><tr><th scope="col">${t('shipment.event')}</th><th scope="col" class="number">${t('run.before')}</th><th scope="col" class="number">${t('run.added')}</th><th scope="col" class="number">${t('run.changed')}</th><th scope="col" class="number">${t('run.retracted')}</th><th scope="col" class="number">${t('run.after')}</th></tr></thead>
  <tbody>${Object.entries(of).map(([type, d]) => html`<tr data-type=${type}><th scope="row">${statusName(type)}</th><td class="number">${count(d.same + d.changed + d.retracted)}</td><td class="number">${count(d.added)}</td><td class="number">${count(d.changed)}</td><td class="number">${count(d.retracted)}</td><td class="number">${count(d.same + d.changed + d.added)}</td></tr>`)}</tbody>
</table></div></${Card}>`;

/** @param {{routes: {seller_region: string, customer_region: string, rows: number}[]}} properties */
function Routes({ routes }) {
  const greatest = Math.max(1, ...routes.map((one) => one.rows));
  return html`<${Card} title=${t('run.byroute')} name="area-routes"><div class="scroll tall" tabindex="0"><table>
    <thead><tr><th scope="col">${t('common.route')}</th><th scope="col" class="number">${t('run.byroute.rows')}</th><th scope="col" class="wide"><span class="unseen">${t('common.chart')}</span></th></tr></thead>
    <tbody>${routes.map((one) => html`<tr><th scope="row" class="nowrap">${one.seller_region} → ${one.customer_region}</th><td class="number">${count(one.rows)}</td><td><div class="meter"><i style=${{ width: `${(100 * one.rows) / greatest}%` }}></i></div></td></tr>`)}</tbody>
  </table></div></${Card}>`;
}

/** @param {{routes: {customer_region: string, rows: number}[]}} properties */
function ChangeMap({ routes }) {
  const sums = /** @type {Map<string, number>} */ (new Map());
  for (const one of routes) sums.set(one.customer_region, (sums.get(one.customer_region) ?? 0) + one.rows);
  const greatest = Math.max(1, ...sums.values());
  const figures = new Map();
  return html`<${Card} title=${t('run.map')} note=${t('common.customer')}><${BrazilMap} figures=${figures} measure="volume" greatest=${greatest} chosen="" label=${t('run.map')} onChoose=${() => {}}
    describe=${(/** @type {string} */ code) => [code, `${t('run.byroute.rows')}: ${count(sums.get(code) ?? 0)}`]} paint=${(/** @type {string} */ code) => colour('volume', { delivered: sums.get(code) ?? 0, late: 0 }, greatest)} /></${Card}>`;
}

/** @param {{path: string, run: any}} properties */
export function Rehearsal({ path, run }) {
  const answer = useResource(path, { live: false });
  if (answer.error) return answer.error.kind === 'missing' ? html`<${Empty}>${t('run.rehearsal.gone')}</${Empty}>` : html`<${Failed} error=${answer.error} again=${answer.again} />`;
  if (!answer.data) return html`<${Loading} height=${300} />`;
  const it = answer.data;
  const rows = it.route_stats_daily;
  const days = it.by_day.map((/** @type {any} */ one) => ({ day: one.day, ...sumOf(Object.values(one.by_type)) })).filter((/** @type {Deltas} */ one) => differing(one) > 0);
  return html`<div class="stack" data-rehearsal>
    <${Card} title=${t('run.rehearsal')}>
      ${differing(it.facts) === 0 && html`<p class="banner">${t('run.rehearsal.none')}</p>`}
      <div class="tiles">${/** @type {[string, string, number][]} */ ([['orders', t('run.orders'), it.orders_covered], ['changed', t('run.changed'), it.facts.changed], ['retracted', t('run.retracted'), it.facts.retracted], ['added', t('run.added'), it.facts.added], ['same', t('run.same'), it.facts.same]]).map(([name, title, value]) => html`<div class="tile small-tile" data-figure=${name}><span class="tile-name">${title}</span><span class="tile-value">${count(value)}</span></div>`)}</div>
      <${Facts} of=${[
        [t('run.rows'), t('run.rows.value', { added: count(rows.added), changed: count(rows.changed), removed: count(rows.removed) })],
        [t('run.towrite'), t('run.towrite.value', { events: count(it.events), tombstones: count(it.tombstones) })],
        [t('run.digest'), html`<code>${it.facts_before}</code> → <code>${it.facts_after}</code>`],
      ]} />
    </${Card}>
    <${Guards} of=${it} />
    <${Card} title=${t('run.byday')}>${days.length ? html`<${DayChanges} days=${days} />` : html`<${Empty}>${t('run.rehearsal.none')}</${Empty}>`}</${Card}>
    <div class="rehearsal-grid"><${ByType} of=${it.by_type} /><${Routes} routes=${it.routes_most_changed} /><${ChangeMap} routes=${it.routes_most_changed} /></div>
    <${Samples} samples=${it.samples} run=${run} />
    <${Left} of=${it} />
  </div>`;
}

/** @param {any[]} all @returns {Deltas} */
function sumOf(all) {
  const sum = { added: 0, changed: 0, retracted: 0, same: 0 };
  for (const one of all) for (const name of /** @type {const} */ (['added', 'changed', 'retracted', 'same'])) sum[name] += one[name];
  return sum;
}
