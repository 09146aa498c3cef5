// What one does with all that the filter selects: follow it, export it, pass it on.

import { copy } from '../../parts/copy.js';
import { Pop } from '../../parts/pop.js';
import { html } from '../../html.js';
import { t } from '../../words/words.js';
import { ask, sort } from './filter.js';

/** A text that a shell takes as it is. @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

function curl() {
  const url = new URL(ask('/v1/shipments', { sort: sort() }), window.location.origin);
  return `curl -s ${quoted(url.href)}`;
}

/** @param {{live: boolean, onLive: (live: boolean) => void}} properties */
export function Tools({ live, onLive }) {
  const forms = /** @type {const} */ ([['shipments.export.csv', { format: 'csv' }], ['shipments.export.bom', { format: 'csv', bom: 'true' }], ['shipments.export.ndjson', { format: 'ndjson' }], ['shipments.export.parquet', { format: 'parquet' }], ['shipments.export.arrow', { format: 'arrow' }]]);
  /** @param {{open: boolean, toggle: () => void}} state */
  const button = ({ open, toggle }) => html`<button class="button" type="button" aria-expanded=${open} onClick=${toggle}>${t('shipments.export')}</button>`;
  return html`<div class="row">
    <button class="button" type="button" aria-pressed=${live} title=${t('shipments.live.note')} onClick=${() => onLive(!live)}>${t('shipments.live')}</button>
    <${Pop} label=${t('shipments.export')} button=${button}><ul class="menu">${forms.map(([name, more]) => html`<li><a href=${ask('/v1/shipments/export', more)} download>${t(name)}</a></li>`)}</ul></${Pop}>
    <button class="button" type="button" onClick=${() => copy(window.location.href)}>${t('shipments.copy')}</button>
    <button class="button" type="button" onClick=${() => copy(curl())}>${t('shipments.curl')}</button>
  </div>`;
}
