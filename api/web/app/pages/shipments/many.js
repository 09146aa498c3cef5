// Many orders looked up at once, each answered in its place.

import { useEffect, useState } from 'preact/hooks';
import { write } from '../../api/http.js';
import { Dialog } from '../../parts/dialog.js';
import { Failed } from '../../parts/notice.js';
import { Status } from '../../parts/status.js';
import { count } from '../../format/numbers.js';
import { html } from '../../html.js';
import { named, t } from '../../words/words.js';

const MOST = 500;

/** The ids in a pasted text. @param {string} text */
export const ids = (text) => text.split(/[\s,;"'`]+/).filter(Boolean);

/** @param {{results: any[]}} properties */
function Results({ results }) {
  const many = (/** @type {string} */ outcome) => count(results.filter((one) => one.outcome === outcome).length);
  return html`<p role="status">${t('shipments.many.result', { found: many('found'), missing: many('not_found'), ambiguous: many('ambiguous'), invalid: many('invalid') })}</p>
    <div class="scroll"><table>
      <thead><tr><th scope="col">${t('shipments.many.asked')}</th><th scope="col">${t('shipments.many.outcome')}</th><th scope="col">${t('shipments.status')}</th></tr></thead>
      <tbody>${results.map((one) => html`<tr data-outcome=${one.outcome}>
        <th scope="row" class="mono">${one.shipment ? html`<a href=${`/shipments/${encodeURIComponent(one.shipment.orderId)}`}>${one.asked}</a>` : one.asked}</th>
        <td>${named('lookup', one.outcome)}${one.reason && html`<div class="small soft">${one.reason}</div>`}
          ${(one.candidates ?? []).map((/** @type {string} */ candidate) => html`<div class="mono small"><a href=${`/shipments/${encodeURIComponent(candidate)}`}>${candidate}</a></div>`)}</td>
        <td>${one.shipment && html`<${Status} of=${one.shipment.status} />`}</td></tr>`)}</tbody>
    </table></div>`;
}

/** @param {{first: string, onClose: () => void}} properties */
export function Many({ first, onClose }) {
  const [text, setText] = useState(first);
  const [state, setState] = useState({ answer: /** @type {any} */ (null), error: /** @type {any} */ (null), isBusy: false });
  const wanted = ids(text);
  /** @param {string[]} all */
  const look = async (all) => {
    const asked = all.slice(0, MOST);
    if (!asked.length) return;
    setState((old) => ({ ...old, isBusy: true }));
    try {
      setState({ answer: await write('POST', '/v1/shipments/lookup', { ids: asked }), error: null, isBusy: false });
    } catch (error) {
      setState({ answer: null, error, isBusy: false });
    }
  };
  useEffect(() => void look(ids(first)), []);
  return html`<${Dialog} title=${t('shipments.many.title')} onClose=${onClose}>
    <form class="stack" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); look(wanted); }}>
      <label class="field"><span>${t('shipments.many.note')}</span><textarea value=${text} spellcheck=${false} autofocus onInput=${(/** @type {any} */ event) => setText(event.target.value)}></textarea></label>
      ${wanted.length > MOST && html`<p class="banner">${t('shipments.many.too', { n: count(wanted.length) })}</p>`}
      <div class="row"><button class="button main-action" disabled=${state.isBusy || !wanted.length}>${t('shipments.many.go')}</button></div>
    </form>
    ${state.error && html`<${Failed} error=${state.error} />`}
    ${state.answer && html`<${Results} results=${state.answer.results} />`}
  </${Dialog}>`;
}
