// Some of the orders that would not stay as they are, each with its timeline before and after on one scale.

import { useState } from 'preact/hooks';
import { useShipment } from '../../api/answers.js';
import { Timeline } from '../../charts/timeline.js';
import { Card } from '../../parts/card.js';
import { Show } from '../../parts/notice.js';
import { eventMinute } from '../../format/times.js';
import { html } from '../../html.js';
import { statusName, t } from '../../words/words.js';

/** @typedef {import('ingest-types').Sample} Sample */

const SHOWN = 3;

/** An order's events with the sampled facts as they are on one side. @param {{eventType: string, eventAt: string}[]} events @param {Sample[]} samples @param {'before' | 'after'} side */
function eventsOn(events, samples, side) {
  const changed = new Map(samples.map((sample) => [sample.eventType, sample[side]]));
  const others = events.filter((event) => !changed.has(event.eventType));
  const own = [...changed].flatMap(([eventType, fact]) => (fact ? [{ eventType, eventAt: fact.eventAt }] : []));
  return [...others, ...own].sort((a, b) => (a.eventAt < b.eventAt ? -1 : a.eventAt > b.eventAt ? 1 : 0));
}

/** @param {{id: string, samples: Sample[]}} properties */
function Both({ id, samples }) {
  const answer = useShipment(`/v1/shipments/${encodeURIComponent(id)}`);
  return html`<${Show} of=${answer} height=${300}>${(/** @type {any} */ { shipment, events }) => {
    const [before, after] = [eventsOn(events, samples, 'before'), eventsOn(events, samples, 'after')];
    const times = [...before, ...after].map((event) => event.eventAt).sort();
    const span = /** @type {[string, string]} */ ([times[0], times[times.length - 1]]);
    const fact = (/** @type {'before' | 'after'} */ side) => samples.find((sample) => sample[side])?.[side]?.estimatedDeliveryAt ?? shipment.estimatedDeliveryAt;
    return html`<div class="two-grid">${/** @type {const} */ (['before', 'after']).map((side) => html`<div><h3>${t(`run.${side}`)}</h3><${Timeline} events=${side === 'before' ? before : after} deadline=${fact(side)} span=${span} /></div>`)}</div>`;
  }}</${Show}>`;
}

/** @param {{samples: Sample[]}} properties */
export function Samples({ samples }) {
  const ids = [...new Set(samples.map((sample) => sample.orderId))];
  const [open, setOpen] = useState(ids[0] ?? '');
  if (!samples.length) return null;
  const time = (/** @type {Sample['before']} */ fact) => (fact ? `${eventMinute(fact.eventAt)} ${fact.sellerRegion}→${fact.customerRegion}` : '–');
  return html`<${Card} title=${t('run.samples')}>
    <div class="row sample-tabs" role="group" aria-label=${t('run.samples')}>${ids.slice(0, SHOWN * 2).map((id) => html`<button class="button mono" type="button" aria-pressed=${id === open} onClick=${() => setOpen(id)}>${id.slice(0, 10)}</button>`)}<a class="small" href=${`/shipments/${encodeURIComponent(open)}`}>${open}</a></div>
    ${open && html`<${Both} id=${open} samples=${samples.filter((sample) => sample.orderId === open)} key=${open} />`}
    <details><summary>${t('common.table')}</summary><div class="scroll tall" tabindex="0"><table>
      <thead><tr><th scope="col">${t('common.order')}</th><th scope="col">${t('shipment.event')}</th><th scope="col">${t('run.before')}</th><th scope="col">${t('run.after')}</th></tr></thead>
      <tbody>${samples.map((sample) => html`<tr><th scope="row" class="mono">${sample.orderId}</th><td>${statusName(sample.eventType)}</td><td class="nowrap">${time(sample.before)}</td><td class="nowrap">${time(sample.after)}</td></tr>`)}</tbody>
    </table></div></details>
  </${Card}>`;
}
