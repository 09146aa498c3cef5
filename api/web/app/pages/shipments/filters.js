// The filter's form, with how many shipments each value would leave.

import { useState } from 'preact/hooks';
import { useShipments } from '../../api/answers.js';
import { count } from '../../format/numbers.js';
import { dayLater } from '../../format/times.js';
import { html } from '../../html.js';
import { parameters, setParameters } from '../../state/route.js';
import { statusName, t } from '../../words/words.js';
import { FILTERS, TIMES, ask, given, toggled, values } from './filter.js';

const STATUSES = ['ORDER_PLACED', 'ORDER_APPROVED', 'WAREHOUSE_ASSIGNED', 'HANDED_TO_CARRIER', 'DELIVERY_DELAYED', 'DELIVERED'];
/** So many values of a facet are shown before "more". */
const FIRST = 6;

/** Facets by value. @param {any} data @param {string} name @returns {Map<string, number>} */
const facet = (data, name) => new Map((data?.facets?.[name] ?? []).map((/** @type {any} */ one) => [one.value, one.count]));

/** @param {{label: string, isOn: boolean, many: number | undefined, onToggle: () => void}} properties */
const Check = ({ label, isOn, many, onToggle }) =>
  html`<label class="check"><input type="checkbox" checked=${isOn} onChange=${onToggle} />${label}${many !== undefined && html`<span class="count">${count(many)}</span>`}</label>`;

/** @param {{name: string, title: string, all: string[], counts: Map<string, number>, label?: (value: string) => string}} properties */
function List({ name, title, all, counts, label = (value) => value }) {
  const [isWhole, setIsWhole] = useState(false);
  const chosen = values(name);
  const shown = isWhole ? all : all.filter((value, i) => i < FIRST || chosen.includes(value));
  return html`<fieldset class="field"><legend>${title}</legend>
    ${shown.map((value) => html`<${Check} key=${value} label=${label(value)} isOn=${chosen.includes(value)} many=${counts.get(value) ?? 0} onToggle=${() => setParameters({ [name]: toggled(chosen, value) })} />`)}
    ${all.length > shown.length && html`<button class="button plain" type="button" onClick=${() => setIsWhole(true)}>${t('common.more', { n: all.length - shown.length })}</button>`}
  </fieldset>`;
}

function TimeRange() {
  const set = TIMES.find((name) => parameters.value.get(`${name}_from`) || parameters.value.get(`${name}_to`));
  const [chosen, setChosen] = useState(/** @type {typeof TIMES[number]} */ (set ?? 'placed'));
  const of = set ?? chosen;
  const from = (parameters.value.get(`${of}_from`) ?? '').slice(0, 10);
  const to = (parameters.value.get(`${of}_to`) ?? '').slice(0, 10);
  const none = Object.fromEntries(TIMES.flatMap((name) => [[`${name}_from`, null], [`${name}_to`, null]]));
  /** @param {string} name @param {string} first @param {string} end */
  const go = (name, first, end) => setParameters({ ...none, [`${name}_from`]: first, [`${name}_to`]: end });
  return html`<fieldset class="field"><legend>${t('shipments.range')}</legend>
    <select aria-label=${t('shipments.range.of')} value=${of} onChange=${(/** @type {any} */ event) => { setChosen(event.target.value); if (set) go(event.target.value, from, to); }}>${TIMES.map((name) => html`<option value=${name}>${t(`time.${name}`)}</option>`)}</select>
    <label class="row spread small soft">${t('overview.range.from')}<input type="date" value=${from} onChange=${(/** @type {any} */ event) => go(of, event.target.value, to)} /></label>
    <label class="row spread small soft">${t('overview.range.to')}<input type="date" value=${to && dayLater(to, -1)} onChange=${(/** @type {any} */ event) => go(of, from, event.target.value && dayLater(event.target.value, 1))} /></label>
  </fieldset>`;
}

function Late() {
  const late = parameters.value.get('late_at_least') ?? '';
  return html`<label class="field"><span>${t('shipments.late')}</span>
    <input type="text" value=${late} placeholder=${t('shipments.late.hint')} onChange=${(/** @type {any} */ event) => setParameters({ late_at_least: event.target.value.trim() })} /></label>`;
}

export function Filters() {
  // Asked once for the counts; the list asks for its page.
  const facets = useShipments(ask('/v1/shipments', { facets: 'true', limit: 1 }));
  const all = useShipments('/v1/shipments?facets=true&limit=1', { live: false });
  const regions = (/** @type {string} */ name) => [...new Set([...facet(all.data, name).keys(), ...values(name)])];
  const relative = /** @type {const} */ ([['at_risk', 'shipments.atrisk'], ['stalled', 'shipments.stalled'], ['quiet', 'shipments.quiet'], ['delayed', 'shipments.delayed']]);
  const some = given().length > 0;
  const wide = window.matchMedia('(min-width: 1081px)').matches;
  return html`<details class="card filters" open=${wide}>
    <summary>${t('shipments.filters')}${some ? ` (${given().length})` : ''}</summary>
    <div class="stack">
      ${some && html`<button class="button" type="button" onClick=${() => setParameters(Object.fromEntries(FILTERS.map((name) => [name, null])))}>${t('shipments.filters.clear')}</button>`}
      <${List} name="status" title=${t('shipments.status')} all=${STATUSES} counts=${facet(facets.data, 'status')} label=${statusName} />
      <fieldset class="field"><legend>${t('shipments.attention')}</legend>
        ${relative.map(([name, label]) => html`<${Check} label=${t(label)} isOn=${parameters.value.get(name) === 'true'} many=${name === 'delayed' ? facet(facets.data, 'delayed').get('true') ?? 0 : undefined} onToggle=${() => setParameters({ [name]: parameters.value.get(name) === 'true' ? null : 'true' })} />`)}
      </fieldset>
      <${List} name="seller_region" title=${t('shipments.seller')} all=${regions('seller_region')} counts=${facet(facets.data, 'seller_region')} />
      <${List} name="customer_region" title=${t('shipments.customer')} all=${regions('customer_region')} counts=${facet(facets.data, 'customer_region')} />
      <${Late} />
      <${TimeRange} />
    </div>
  </details>`;
}
