// One shipment: where it stands, its timeline to scale, and why each field says what it says.

import { useShipment } from '../api/answers.js';
import { Timeline } from '../charts/timeline.js';
import { Card, Facts } from '../parts/card.js';
import { copy } from '../parts/copy.js';
import { Show } from '../parts/notice.js';
import { Status } from '../parts/status.js';
import { duration, eventMinute, eventTime, seconds } from '../format/times.js';
import { html } from '../html.js';
import { overview } from '../state/live.js';
import { address } from '../state/route.js';
import { t } from '../words/words.js';
import { Why } from './shipment/why.js';

/** How it keeps its promise, in words. @param {any} shipment @param {string | null | undefined} now data now */
function promise(shipment, now) {
  const { lateSeconds, deliveredAt, estimatedDeliveryAt } = shipment;
  if (deliveredAt) return lateSeconds ? html`<span class="bad-text">${t('shipment.late.by', { time: duration(lateSeconds) })}</span>` : html`<span class="good-text">${t('shipment.intime')}</span>`;
  const over = now && estimatedDeliveryAt ? seconds(now) - seconds(estimatedDeliveryAt) : 0;
  return over > 0 ? html`<span class="bad-text">${t('shipment.over', { time: duration(over) })}</span>` : t('shipment.open');
}

/** By time; by rank where that is the same. @param {any[]} events */
const inTime = (events) => [...events].sort((a, b) => (a.eventAt < b.eventAt ? -1 : a.eventAt > b.eventAt ? 1 : 0));

/** @param {{events: any[]}} properties */
const Events = ({ events }) => html`<div class="scroll"><table>
  <thead><tr><th scope="col">${t('shipment.event')}</th><th scope="col">${t('common.time')} (UTC)</th><th scope="col" class="number">${t('shipment.since')}</th><th scope="col">${t('shipment.source')}</th></tr></thead>
  <tbody>${events.map((event, i) => html`<tr data-event=${event.eventType}><th scope="row"><${Status} of=${event.eventType} /></th><td class="nowrap">${eventTime(event.eventAt)}</td>
    <td class="number">${i ? duration(seconds(event.eventAt) - seconds(events[i - 1].eventAt)) : '–'}</td><td>${event.source}</td></tr>`)}</tbody>
</table></div>`;

/** @param {{id: string}} properties */
export function Shipment({ id }) {
  const path = `/v1/shipments/${encodeURIComponent(id)}`;
  const answer = useShipment(path);
  const now = answer.data?.as_of?.data_now ?? overview.value?.as_of?.data_now;
  return html`<div class="stack">
    <p><a href="/shipments">← ${t('shipment.back')}</a></p>
    <${Show} of=${answer} height=${360}>${(/** @type {any} */ { shipment, events: byRank, one_tick: isOneTick }) => {
      const events = inTime(byRank);
      const isOpen = !shipment.deliveredAt;
      return html`<div class="stack">
        ${isOneTick === false && html`<p class="banner">${t('shipment.twoticks')}</p>`}
        <div class="shipment-head"><span class="mono" data-order=${shipment.orderId}>${shipment.orderId}</span><${Status} of=${shipment.status} /><span>${promise(shipment, now)}</span>
          <button class="button" type="button" onClick=${() => copy(shipment.orderId)}>${t('shipment.copyid')}</button></div>
        <${Facts} strip=${true} of=${[
          [t('common.route'), html`<a href=${address('/', { seller: shipment.sellerRegion, customer: shipment.customerRegion })}>${t('shipment.route', { seller: shipment.sellerRegion, customer: shipment.customerRegion })}</a>`],
          [t('shipments.column.deadline'), eventMinute(shipment.estimatedDeliveryAt).replace(' 00:00', '')],
          [t('shipment.lead'), html`<span data-field="lead">${duration(shipment.leadTimeSeconds)}</span>`],
          [t('shipments.column.late'), html`<span data-field="late">${shipment.lateSeconds === 0 ? '0' : duration(shipment.lateSeconds)}</span>`],
        ]} />
        <div class="shipment-grid">
          <${Card} title=${t('shipment.timeline')} note=${t('shipment.timeline.note')}><${Timeline} events=${events} deadline=${shipment.estimatedDeliveryAt} until=${isOpen ? now : null} /></${Card}>
          <${Card} title=${t('shipment.events')}><${Events} events=${events} /></${Card}>
        </div>
      </div>`;
    }}</${Show}>
    ${answer.data && html`<${Why} path=${`${path}/why`} />`}
  </div>`;
}
