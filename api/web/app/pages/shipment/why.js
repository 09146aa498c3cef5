// Where each field comes from: the records in the log, what they replaced, and the runs behind them.

import { useWhy } from '../../api/answers.js';
import { Card } from '../../parts/card.js';
import { Show } from '../../parts/notice.js';
import { RunState, Status } from '../../parts/status.js';
import { eventTime, wallTime } from '../../format/times.js';
import { html } from '../../html.js';
import { kindName, named, t } from '../../words/words.js';

/** A value as it stands in the document. @param {unknown} value */
const text = (value) => (value === null || value === undefined ? '–' : typeof value === 'string' && /T.*Z$/.test(value) ? eventTime(value) : String(value));

/** The records of which a part is made. @param {{offsets: number[]}} properties */
const Offsets = ({ offsets }) => html`${!offsets?.length && '–'}${(offsets ?? []).map((offset, i) => html`${i ? ', ' : ''}<a class="mono" href=${`#record-${offset}`}>${offset}</a>`)}`;

/** @param {{fields: any[]}} properties */
const Fields = ({ fields }) => html`<div class="scroll"><table>
  <thead><tr><th scope="col">${t('shipment.why.field')}</th><th scope="col">${t('shipment.why.value')}</th><th scope="col">${t('shipment.why.rule')}</th><th scope="col">${t('shipment.why.record')}</th><th scope="col">${t('shipment.why.before')}</th></tr></thead>
  <tbody>${fields.map((one) => html`<tr data-field=${one.field}><th scope="row" class="mono">${one.field}</th><td class="nowrap">${text(one.value)}</td><td class="nowrap">${one.rule}</td><td class="nowrap"><${Offsets} offsets=${one.records} /></td><td class="nowrap"><${Offsets} offsets=${one.before} /></td></tr>`)}</tbody>
</table></div>`;

/** @param {{records: any[], partition: number}} properties */
const Records = ({ records, partition }) => html`<${Card} title=${t('shipment.records')} note=${t('shipment.records.partition', { n: partition })}><div class="scroll"><table>
  <thead><tr><th scope="col">${t('shipment.records.offset')}</th><th scope="col">${t('shipment.event')}</th><th scope="col">${t('common.time')} (UTC)</th><th scope="col">${t('shipment.records.became')}</th><th scope="col">${t('replays.run')}</th><th scope="col">${t('shipment.records.appended')}</th></tr></thead>
  <tbody>${records.map((one) => html`<tr id=${`record-${one.offset}`} tabindex="-1"><td class="mono">${one.offset}</td>
    <td>${one.event_type ? html`<${Status} of=${one.event_type} />` : named('became', 'tombstone')}</td><td class="nowrap">${eventTime(one.event_at)}</td>
    <td>${named('became', one.became)}${one.by !== null && one.by !== undefined && html` <a class="mono small" href=${`#record-${one.by}`}>${one.by}</a>`}</td>
    <td>${one.run ? html`<a class="mono" href=${`/replays/${one.run.split('/')[0]}`}>${one.run}</a>` : '–'}</td><td class="nowrap">${wallTime(one.appended_at ? Date.parse(one.appended_at) : null)}</td></tr>`)}</tbody>
</table></div></${Card}>`;

/** @param {{runs: any[]}} properties */
const Runs = ({ runs }) => html`<${Card} title=${t('shipment.runs')}><div class="scroll"><table>
  <thead><tr><th scope="col">${t('replays.run')}</th><th scope="col">${t('replays.kind')}</th><th scope="col">${t('replays.state')}</th><th scope="col">${t('replays.when')}</th><th scope="col">${t('replays.who')}</th><th scope="col">${t('replays.rules')}</th><th scope="col">${t('replays.reason')}</th></tr></thead>
  <tbody>${runs.map((one) => html`<tr><th scope="row"><a class="mono" href=${`/replays/${one.run.split('/')[0]}`}>${one.run}</a></th>
    ${one.known ? html`<td>${kindName(one.kind)}</td><td><${RunState} of=${one.state} /></td><td class="nowrap">${wallTime(one.requested_at ? Date.parse(one.requested_at) : null)}</td><td>${one.requester ?? '–'}</td><td>${one.rules ?? '–'}</td><td>${one.reason ?? '–'}</td>` : html`<td colspan="6">${t('shipment.runs.unknown')}</td>`}</tr>`)}</tbody>
</table></div></${Card}>`;

/** @param {{path: string}} properties */
export function Why({ path }) {
  const why = useWhy(path);
  return html`<${Card} name="why" title=${t('shipment.why')}><${Show} of=${why} height=${200}>${(/** @type {any} */ data) => html`<div class="stack">
      ${data.agrees ? html`<p class="mark good">${t('shipment.why.agrees')}</p>` : html`<p class="banner">${t('shipment.why.differs', { words: data.words.join('; ') })}</p>`}
      ${data.lost.map((/** @type {string} */ what) => html`<p class="banner">${t('shipment.why.lost', { what })}</p>`)}
      <${Fields} fields=${data.fields} />
    </div>`}</${Show}></${Card}>
    ${why.data && html`<${Records} records=${why.data.records} partition=${why.data.partition} /><${Runs} runs=${why.data.runs} />`}`;
}
