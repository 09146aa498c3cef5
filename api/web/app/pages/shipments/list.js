// The table of shipments, with what one can do with all that the filter selects.

import { useState } from 'preact/hooks';
import { useShipments } from '../../api/answers.js';
import { Empty, Failed, Loading } from '../../parts/notice.js';
import { Status } from '../../parts/status.js';
import { count } from '../../format/numbers.js';
import { duration, eventMinute } from '../../format/times.js';
import { html } from '../../html.js';
import { setParameters } from '../../state/route.js';
import { t } from '../../words/words.js';
import { ask, sort } from './filter.js';
import { usePages } from './pages.js';
import { Tools } from './tools.js';

/** @typedef {{name: import('../../words/words.js').Key, sort?: string, number?: boolean, show: (row: any) => import('preact').ComponentChildren}} Column */

/** @type {Column[]} */
const COLUMNS = [
  { name: 'shipments.column.order', sort: 'order_id', show: (row) => html`<a class="mono" href=${`/shipments/${encodeURIComponent(row.orderId)}`} title=${row.orderId}>${row.orderId.length > 14 ? `${row.orderId.slice(0, 12)}…` : row.orderId}</a>` },
  { name: 'shipments.column.route', show: (row) => html`<span class="nowrap">${row.sellerRegion} → ${row.customerRegion}</span>` },
  { name: 'shipments.column.status', show: (row) => html`<${Status} of=${row.status} />` },
  { name: 'shipments.column.placed', sort: 'placed_at', show: (row) => html`<span class="nowrap">${eventMinute(row.placedAt)}</span>` },
  { name: 'shipments.column.deadline', sort: 'estimated_delivery_at', show: (row) => html`<span class="nowrap">${eventMinute(row.estimatedDeliveryAt).replace(' 00:00', '')}</span>` },
  { name: 'shipments.column.delivered', sort: 'delivered_at', show: (row) => html`<span class="nowrap">${eventMinute(row.deliveredAt)}</span>` },
  { name: 'shipments.column.lead', sort: 'lead', number: true, show: (row) => duration(row.leadTimeSeconds) },
  { name: 'shipments.column.late', sort: 'late', number: true, show: (row) => (row.lateSeconds ? html`<span class="bad-text">${duration(row.lateSeconds)}</span>` : html`<span class="soft">${row.lateSeconds === 0 ? '0' : '–'}</span>`) },
];

/** @param {{column: Column}} properties */
function Head({ column }) {
  const now = sort();
  const direction = now === column.sort ? 'ascending' : now === `-${column.sort}` ? 'descending' : undefined;
  const name = t(column.name);
  if (!column.sort) return html`<th scope="col">${name}</th>`;
  const next = direction === 'descending' ? column.sort : `-${column.sort}`;
  return html`<th scope="col" class=${column.number ? 'number' : ''} aria-sort=${direction}>
    <button type="button" title=${t('shipments.sortby', { column: name })} onClick=${() => setParameters({ sort: next === '-placed_at' ? null : next })}>${name}${direction && html`<span aria-hidden="true">${direction === 'ascending' ? '▲' : '▼'}</span>`}</button></th>`;
}

/** How many there are in all. @param {{total: {value: number, relation: string}, shown: number}} properties */
function Total({ total, shown }) {
  const [counts, setCounts] = useState(false);
  const exact = useShipments(counts ? ask('/v1/shipments', { limit: 1, count: 'exact' }) : null);
  const known = total.relation === 'eq' ? total : exact.data?.total;
  return html`<span data-total=${known?.value ?? ''}>${known ? t('shipments.total', { n: count(known.value) }) : t('shipments.total.atleast', { n: count(total.value) })}</span>
    ${!known && html`<button class="button plain" type="button" disabled=${exact.isLoading} onClick=${() => setCounts(true)}>${t('shipments.count')}</button>`}
    <span class="soft">${t('shipments.shown', { n: count(shown) })}</span>`;
}

export function List() {
  const [live, setLive] = useState(false);
  const [isOver, setIsOver] = useState(false);
  const question = ask('/v1/shipments', { sort: sort() });
  const { pages, waiting, more, refresh } = usePages(question, live && !isOver);
  const { rows, total, next, error, isLoading } = pages;
  const changed = waiting.many || waiting.total;
  if (error && !rows.length) return html`<section class="card list"><${Failed} error=${error} again=${refresh} /></section>`;
  if (!total) return html`<section class="card list"><${Loading} height=${420} /></section>`;
  return html`<section class="card list" aria-label=${t('nav.shipments')}>
    <div class="card-head"><div class="row grow"><${Total} total=${total} shown=${rows.length} key=${question} />
      ${changed ? html`<button class="button main-action pill" type="button" onClick=${refresh}>${waiting.many ? t('shipments.new', { n: count(waiting.many) }) : t('shipments.new.some')}</button>` : ''}</div>
      <${Tools} live=${live} onLive=${setLive} /></div>
    ${pages.hasMoved && html`<p class="banner">${t('shipments.moved')}</p>`}
    ${error && html`<${Failed} error=${error} again=${refresh} />`}
    ${rows.length === 0
      ? html`<${Empty}>${t('shipments.none')}</${Empty}>`
      : html`<div class=${isLoading ? 'scroll old' : 'scroll'} onPointerEnter=${() => setIsOver(true)} onPointerLeave=${() => setIsOver(false)}><table class="shipments">
          <thead><tr>${COLUMNS.map((column) => html`<${Head} column=${column} />`)}</tr></thead>
          <tbody>${rows.map((row, i) => html`<tr class="link" key=${`${row.orderId} ${i}`} data-order=${row.orderId}>${COLUMNS.map((column) => html`<td class=${column.number ? 'number' : ''}>${column.show(row)}</td>`)}</tr>`)}</tbody>
        </table></div>`}
    ${next && html`<div class="row more"><button class="button" type="button" disabled=${isLoading} onClick=${more}>${t('shipments.more')}</button></div>`}
  </section>`;
}
