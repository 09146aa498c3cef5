// The rows of the input that could not be read, each with its place and the reason.

import { useRejects } from '../../api/answers.js';
import { Card } from '../../parts/card.js';
import { Empty, Show } from '../../parts/notice.js';
import { count } from '../../format/numbers.js';
import { html } from '../../html.js';
import { t } from '../../words/words.js';

/** @param {{path: string}} properties */
export function Rejects({ path }) {
  const rejects = useRejects(path, { live: false });
  return html`<${Card} title=${t('run.rejects')}><${Show} of=${rejects}>${(/** @type {import('ingest-types').RejectsPage} */ { rejects: all, rejected }) =>
    all.length === 0
      ? html`<${Empty}>${t('run.rejects.none')}</${Empty}>`
      : html`<p class="card-note">${t('common.of', { part: count(all.length), whole: count(rejected) })}</p><div class="scroll tall" tabindex="0"><table>
        <thead><tr><th scope="col">${t('run.rejects.where')}</th><th scope="col">${t('run.rejects.field')}</th><th scope="col">${t('run.rejects.value')}</th><th scope="col">${t('pipeline.dead.reason')}</th></tr></thead>
        <tbody>${all.map((one) => html`<tr><th scope="row" class="mono nowrap">${one.file}:${one.line}</th><td>${one.field || '–'}</td><td class="mono">${one.value ?? '–'}</td><td>${one.reason}</td></tr>`)}</tbody>
      </table></div>`}</${Show}></${Card}>`;
}
