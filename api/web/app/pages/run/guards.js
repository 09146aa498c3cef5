// What stops a run that takes too much away, and the orders that it leaves as they are.

import { Card } from '../../parts/card.js';
import { count, percent } from '../../format/numbers.js';
import { eventTime } from '../../format/times.js';
import { classes, html } from '../../html.js';
import { t } from '../../words/words.js';

/** @typedef {import('ingest-types').Rehearsal} Rehearsal */
/** @typedef {{count: number, names: string[]}} Named */

/** Some orders by name. @param {{of: Named}} properties */
const Names = ({ of }) => html`<details><summary>${count(of.count)}</summary><ul class="mono small names">${of.names.map((name) => html`<li>${/:\d+$/.test(name) ? name : html`<a href=${`/shipments/${encodeURIComponent(name)}`}>${name}</a>`}</li>`)}
  ${of.count > of.names.length && html`<li>${t('common.more', { n: count(of.count - of.names.length) })}</li>`}</ul></details>`;

/** Why a run would not begin with its input. @param {import('ingest-types').InputStop} input */
function stopWords(input) {
  if (input.stop === 'no_orders') return t('run.stop.no_orders', { rows: count(input.rows) });
  if (input.stop === 'rejected') return t('run.stop.rejected', { rejected: count(input.rejected), rows: count(input.rows), table: input.table });
  return t('run.stop.as_of', { time: eventTime(new Date(input.row.time * 1000).toISOString()) });
}

/** @param {{of: Rehearsal}} properties */
export function Guards({ of }) {
  const figures = of.figures;
  const rows = /** @type {const} */ ([['vanishing', figures.covered, 'run.guard.limit'], ['retracted', figures.facts, 'run.guard.limit5'], ['lost_regions', figures.covered, 'run.guard.limit']]);
  const input = of.input_stop;
  return html`<${Card} title=${t('run.guards')}>
    ${input && html`<p class="banner bad">${t('run.guards.stop', { words: stopWords(input) })}</p>`}
    <div class="scroll" tabindex="0"><table><tbody>${rows.map(([name, whole, limit]) => {
      const value = figures[name] ?? 0;
      const stops = of.guard?.[name] === true;
      return html`<tr data-guard=${name} data-stops=${stops}><th scope="row" class="reason-cell">${t(`run.guard.${name}`)}</th><td class="number">${t('common.of', { part: count(value), whole: count(whole) })}</td><td class="number">${percent(whole ? Math.round((value * 10_000) / whole) : 0)}</td><td class="soft nowrap">${t(limit)}</td>
        <td><span class=${classes('mark', stops ? 'bad' : 'good')}>${stops ? t('run.guards.beyond') : t('run.guards.pass')}</span></td></tr>`;
    })}</tbody></table></div>
  </${Card}>`;
}

/** @param {{of: Rehearsal}} properties */
export function Left({ of }) {
  const left = /** @type {const} */ (['rejected_orders', 'rejected_unnamed', 'pushed_orders', 'swallowed_orders', 'swallowed_items']).filter((name) => of[name]?.count > 0);
  const losing = /** @type {const} */ (['vanishing', 'losing_facts', 'losing_regions', 'losing_items']).filter((name) => of[name]?.count > 0);
  const changed = of.left_count > 0 && { count: of.left_count, names: of.left_facts.map((one) => one.orderId) };
  return html`<div class="two-grid">
    <${Card} title=${t('run.left')}>${left.length || changed ? html`<div class="scroll" tabindex="0"><table><tbody>
      ${left.map((name) => html`<tr data-left=${name}><th scope="row" class="reason-cell">${t(`run.left.${name}`)}</th><td><${Names} of=${of[name]} /></td></tr>`)}
      ${changed && html`<tr data-left="left_facts"><th scope="row">${t('run.left.left_facts')}</th><td><${Names} of=${changed} /></td></tr>`}</tbody></table></div>` : html`<p class="soft">${t('run.left.none')}</p>`}</${Card}>
    ${losing.length > 0 && html`<${Card} title=${t('run.losing')}><div class="scroll" tabindex="0"><table><tbody>${losing.map((name) => html`<tr><th scope="row">${t(`run.losing.${name}`)}</th><td><${Names} of=${of[name]} /></td></tr>`)}</tbody></table></div></${Card}>`}
  </div>`;
}
