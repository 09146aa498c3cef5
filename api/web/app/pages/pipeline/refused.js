// Documents that the store refused: which, and having them sent again.

import { useState } from 'preact/hooks';
import { ApiError, write } from '../../api/http.js';
import { Card } from '../../parts/card.js';
import { Failed } from '../../parts/notice.js';
import { Text } from '../../parts/text.js';
import { count } from '../../format/numbers.js';
import { html } from '../../html.js';
import { may } from '../../state/session.js';
import { t } from '../../words/words.js';

/** @typedef {import('api-types').RetryAnswer} RetryAnswer */

/** What became of those that were sent again. @param {RetryAnswer} answer */
function words({ sent_again: sent, refused_again: again }) {
  if (again === null || again === undefined) return t('pipeline.refused.later', { n: count(sent) });
  return t('pipeline.refused.done', { n: count(sent), again: count(again) });
}

/** @param {{many: number, hasDataflow: boolean, again: () => void}} properties */
function Retry({ many, hasDataflow, again }) {
  const [answer, setAnswer] = useState(/** @type {RetryAnswer | null} */ (null));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const [isBusy, setIsBusy] = useState(false);
  const retry = async () => {
    if (!window.confirm(t('pipeline.refused.sure', { n: count(many) }))) return;
    setIsBusy(true);
    setError(null);
    try {
      setAnswer(await write('POST', '/v1/pipeline/refused_documents/retry', {}));
      again();
    } catch (reason) {
      setError(reason instanceof ApiError ? reason : new ApiError('offline', String(reason)));
    }
    setIsBusy(false);
  };
  return html`${answer && html`<p class=${`banner ${answer.refused_again === 0 ? 'good' : ''}`} role="status" data-retried>${words(answer)}</p>`}
    ${error && html`<${Failed} error=${error} />`}
    ${many > 0 && html`<p class="row"><button class="button" type="button" disabled=${isBusy || !hasDataflow || !may('replay')} onClick=${retry}>${t('pipeline.refused.retry', { n: count(many) })}</button>
      ${isBusy && html`<span class="soft" role="status">${t('pipeline.refused.working')}</span>`}
      ${!may('replay') && html`<span class="soft">${t('state.forbidden')}</span>`}
      ${!hasDataflow && html`<span class="soft"><${Text} of=${t('pipeline.refused.nodataflow')} /></span>`}</p>`}`;
}

/** @param {{of: import('api-types').PipelineAnswer['refused_documents'], hasDataflow: boolean, again: () => void}} properties */
export function Refused({ of, hasDataflow, again }) {
  // Once there was something, the card stays: what became of it is said there.
  const [hadSome, setHadSome] = useState(false);
  const many = of?.count ?? 0;
  if (many > 0 && !hadSome) setHadSome(true);
  if (!many && !hadSome) return null;
  return html`<${Card} title=${`${t('pipeline.refused')}: ${count(many)}`} name="area-refused">
    <${Retry} many=${many} hasDataflow=${hasDataflow} again=${again} />
    ${of && many > 0 && html`<p class="soft small">${t('pipeline.refused.latest', { n: count(of.latest.length) })}</p><div class="scroll"><table><tbody>${of.latest.map((one) => html`<tr data-refused=${one.id}><th scope="row">${one.view}</th><td class="mono">${one.id}</td><td><${Text} of=${one.reason} /></td></tr>`)}</tbody></table></div>`}
  </${Card}>`;
}
