// Applying what was rehearsed: exactly that, by a person whose role permits it, here or through a link.

import { useState } from 'preact/hooks';
import { ApiError, write } from '../../api/http.js';
import { copy } from '../../parts/copy.js';
import { Failed } from '../../parts/notice.js';
import { html } from '../../html.js';
import { navigate } from '../../state/route.js';
import { may, who } from '../../state/session.js';
import { t } from '../../words/words.js';
import { newKey } from '../replays/key.js';
import { runAddress } from '../replays/words.js';

/** @typedef {import('ingest-types').RunAnswer} RunAnswer */

/** The request that does what was rehearsed. @param {RunAnswer} run */
function bodyOf(run) {
  const of = run.kind === 'revert' ? { mode: 'revert', run: run.target_run, force: run.force || undefined } : { mode: 'window', dataset: run.dataset, rules: run.rules, start: run.start ?? undefined, end: run.end ?? undefined, emit: run.emit ?? undefined, mix: run.mix || undefined, ...run.limits };
  return { ...of, plan: run.plan, reason: run.reason ?? undefined, space: run.space };
}

/** @param {{run: RunAnswer, applied: RunAnswer | undefined}} properties applied: the run that did it already */
export function Approve({ run, applied }) {
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const [isBusy, setIsBusy] = useState(false);
  // One key a page: a second click is the same run.
  const [key] = useState(newKey);
  const needs = run.force || Object.keys(run.limits ?? {}).length ? 'approve' : 'replay';
  const isAllowed = may(needs);
  const apply = async () => {
    setIsBusy(true);
    setError(null);
    try {
      navigate(runAddress(await write('POST', '/v1/runs', bodyOf(run), { 'idempotency-key': key })));
    } catch (reason) {
      setError(reason instanceof ApiError ? reason : new ApiError('offline', String(reason)));
      setIsBusy(false);
    }
  };
  if (applied) return html`<p class="banner good">${t('run.applied', { run: '' })}<a class="mono" href=${runAddress(applied)}>${applied.run}</a></p>`;
  return html`<section class="card approve">
    <div class="row"><button class="button main-action" type="button" disabled=${isBusy || !isAllowed || !run.plan} onClick=${apply}>${t(run.kind === 'revert' ? 'run.approve.revert' : 'run.approve')}</button>
      <button class="button" type="button" onClick=${() => copy(window.location.href)}>${t('run.approve.link')}</button></div>
    <p class="soft">${isAllowed ? t('run.approve.note') : t('run.approve.forbidden', { role: who.value?.role ?? '' })}</p>
    ${error && html`<${Failed} error=${error} />`}
  </section>`;
}
