// Records that were no events, and documents that the store refused.

import { Card } from '../../parts/card.js';
import { Empty } from '../../parts/notice.js';
import { count } from '../../format/numbers.js';
import { html } from '../../html.js';
import { t } from '../../words/words.js';

/** @param {{of: any}} properties */
function Dead({ of }) {
  if (!of) return null;
  const codes = Object.entries(of.by_code);
  return html`<${Card} title=${`${t('pipeline.dead')}: ${count(of.count)}`}>${of.count === 0
    ? html`<${Empty}>${t('pipeline.dead.none')}</${Empty}>`
    : html`<p class="row">${codes.map(([code, many]) => html`<span class="chip">${code} ${count(Number(many))} </span>`)}</p>
      <div class="scroll"><table><thead><tr><th scope="col">${t('pipeline.partition')}</th><th scope="col" class="number">${t('shipment.records.offset')}</th><th scope="col">${t('pipeline.dead.reason')}</th></tr></thead>
        <tbody>${of.latest.map((/** @type {any} */ one) => html`<tr><td>${one.partition}</td><td class="number mono">${one.offset}</td><td>${one.reason}</td></tr>`)}</tbody></table></div>
      <p class="soft small">${t('pipeline.dead.retry')} <code>eip deadletters</code></p>`}</${Card}>`;
}

/** @param {{data: any}} properties */
export function Troubles({ data }) {
  const refused = data.refused_documents;
  return html`<${Dead} of=${data.dead_letters} />
    ${refused?.count > 0 && html`<${Card} title=${`${t('pipeline.refused')}: ${count(refused.count)}`}><div class="scroll"><table><tbody>${refused.latest.map((/** @type {any} */ one) => html`<tr><th scope="row">${one.view}</th><td class="mono">${one.id}</td><td>${one.reason}</td></tr>`)}</tbody></table></div></${Card}>`}`;
}
