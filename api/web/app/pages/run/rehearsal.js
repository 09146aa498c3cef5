// What a correction or a revert would change, before it does: facts by type and day, figures of routes, sample orders,
// guards.

import { useRehearsal } from '../../api/answers.js';
import { DayChanges } from '../../charts/changes.js';
import { Card, Facts } from '../../parts/card.js';
import { Empty, Failed, Loading } from '../../parts/notice.js';
import { count } from '../../format/numbers.js';
import { html } from '../../html.js';
import { statusName, t } from '../../words/words.js';
import { FiguresCard } from './figures.js';
import { FiguresMap } from './figures-map.js';
import { Guards, Left } from './guards.js';
import { Samples } from './samples.js';

/** @typedef {import('ingest-types').Deltas} Deltas */

/** @param {Deltas} deltas */
const differing = (deltas) => deltas.added + deltas.changed + deltas.retracted;

/** @param {{of: Record<string, Deltas>}} properties */
const ByType = ({ of }) => html`<${Card} title=${t('run.bytype')}><div class="scroll" tabindex="0"><table>
  <thead><tr><th scope="col">${t('shipment.event')}</th><th scope="col" class="number">${t('run.before')}</th><th scope="col" class="number">${t('run.added')}</th><th scope="col" class="number">${t('run.changed')}</th><th scope="col" class="number">${t('run.retracted')}</th><th scope="col" class="number">${t('run.after')}</th></tr></thead>
  <tbody>${Object.entries(of).map(([type, d]) => html`<tr data-type=${type}><th scope="row">${statusName(type)}</th><td class="number">${count(d.same + d.changed + d.retracted)}</td><td class="number">${count(d.added)}</td><td class="number">${count(d.changed)}</td><td class="number">${count(d.retracted)}</td><td class="number">${count(d.same + d.changed + d.added)}</td></tr>`)}</tbody>
</table></div></${Card}>`;

/** @param {{path: string}} properties */
export function Rehearsal({ path }) {
  const answer = useRehearsal(path, { live: false });
  if (answer.error) return answer.error.kind === 'missing' ? html`<${Empty}>${t('run.rehearsal.gone')}</${Empty}>` : html`<${Failed} error=${answer.error} again=${answer.again} />`;
  if (!answer.data) return html`<${Loading} height=${300} />`;
  const it = answer.data;
  const rows = it.route_stats_daily;
  const days = it.by_day.map((one) => ({ day: one.day, ...sumOf(Object.values(one.by_type)) })).filter((one) => differing(one) > 0);
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
    ${it.route_figures?.first_day && html`<div class="figures-grid"><${FiguresCard} of=${it.route_figures} /><${FiguresMap} of=${it.route_figures} /></div>`}
    <${ByType} of=${it.by_type} />
    <${Samples} samples=${it.samples} />
    <${Left} of=${it} />
  </div>`;
}

/** @param {Deltas[]} all @returns {Deltas} */
function sumOf(all) {
  const sum = { added: 0, changed: 0, retracted: 0, same: 0 };
  for (const one of all) for (const name of /** @type {const} */ (['added', 'changed', 'retracted', 'same'])) sum[name] += one[name];
  return sum;
}
