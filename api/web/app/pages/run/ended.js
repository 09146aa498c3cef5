// What stays of a run that has ended: its receipt, what took it back, and the way to take it back.

import { useState } from 'preact/hooks';
import { ApiError, write } from '../../api/http.js';
import { useStats } from '../../api/answers.js';
import { Failed } from '../../parts/notice.js';
import { count, percent } from '../../format/numbers.js';
import { html } from '../../html.js';
import { address, navigate } from '../../state/route.js';
import { may } from '../../state/session.js';
import { t } from '../../words/words.js';
import { newKey } from '../replays/key.js';
import { runAddress } from '../replays/words.js';

/** @typedef {import('ingest-types').RunAnswer} RunAnswer */

/** The figures of its days, as they are now. @param {{run: RunAnswer}} properties */
function Effect({ run }) {
  const stats = useStats(run.start && run.end ? address('/v1/routes/stats', { start: run.start, end: run.end, group: 'month', limit: 1 }) : null);
  const sum = stats.data?.summary;
  if (!sum) return null;
  return html`<p data-effect>${t('run.effect.note')} <strong>${percent(sum.on_time_basis_points)}</strong> <span class="soft">(${t('common.of', { part: count(sum.delivered - sum.delivered_late), whole: count(sum.delivered) })})</span></p>`;
}

/** @param {{run: RunAnswer, runs: RunAnswer[], ask: (part: string) => string}} properties */
export function Ended({ run, runs, ask }) {
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const [isBusy, setIsBusy] = useState(false);
  const reverted = runs.find((one) => one.kind === 'revert' && one.target_run === run.run && one.state === 'committed');
  const revert = async () => {
    setIsBusy(true);
    setError(null);
    try {
      const body = { mode: 'revert', run: run.run, dry_run: true, space: run.space };
      navigate(runAddress(await write('POST', '/v1/runs', body, { 'idempotency-key': newKey() })));
    } catch (reason) {
      setError(reason instanceof ApiError ? reason : new ApiError('offline', String(reason)));
      setIsBusy(false);
    }
  };
  const rehearsed = run.plan && runs.findLast((one) => one.plan === run.plan && one.dry_run && one.requested_at_ms <= run.requested_at_ms);
  const hasWritten = (run.counts?.events ?? 0) + (run.counts?.tombstones ?? 0) > 0;
  return html`<section class="card stack ended">
    ${run.target_run && html`<p>${t('run.reverts', { run: '' })}<a class="mono" href=${`/replays/${run.target_run}`}>${run.target_run}</a></p>`}
    ${reverted && html`<p class="banner">${t('run.reverted', { run: '' })}<a class="mono" href=${runAddress(reverted)}>${reverted.run}</a></p>`}
    ${rehearsed && html`<p>${t('run.rehearsed', { run: '' })}<a class="mono" href=${runAddress(rehearsed)}>${rehearsed.run}</a></p>`}
    <${Effect} run=${run} />
    <div class="row"><a class="button" href=${ask('/receipt')} target="_blank" rel="noopener">${t('run.receipt')}</a>
      ${hasWritten && html`<button class="button danger" type="button" disabled=${isBusy || !may('replay')} onClick=${revert}>${t('run.undo')}</button><span class="soft small">${t('run.undo.note')}</span>`}</div>
    ${error && html`<${Failed} error=${error} />`}
  </section>`;
}
