// Records that were no events.

import { Card } from '../../parts/card.js';
import { Empty } from '../../parts/notice.js';
import { Text } from '../../parts/text.js';
import { count } from '../../format/numbers.js';
import { html } from '../../html.js';
import { t } from '../../words/words.js';

/** @param {{of: import('api-types').PipelineAnswer['dead_letters']}} properties */
export function DeadLetters({ of }) {
  if (!of) return null;
  const codes = Object.entries(of.by_code);
  return html`<${Card} title=${`${t('pipeline.dead')}: ${count(of.count)}`}>${of.count === 0
    ? html`<${Empty}>${t('pipeline.dead.none')}</${Empty}>`
    : html`<p class="row">${codes.map(([code, many]) => html`<span class="chip">${code} ${count(Number(many))} </span>`)}</p>
      <div class="scroll"><table><thead><tr><th scope="col">${t('pipeline.partition')}</th><th scope="col" class="number">${t('shipment.records.offset')}</th><th scope="col">${t('pipeline.dead.reason')}</th></tr></thead>
        <tbody>${of.latest.map((one) => html`<tr><td>${one.partition}</td><td class="number mono">${one.offset}</td><td><${Text} of=${one.reason} /></td></tr>`)}</tbody></table></div>
      <p class="soft small">${t('pipeline.dead.retry')} <code>eip deadletters list</code></p>`}</${Card}>`;
}
