// One run: what it would change before it does, how far it is, what it did, and how to take it back.

import { useEffect, useState } from 'preact/hooks';
import { useRun, useRuns } from '../api/answers.js';
import { Show } from '../parts/notice.js';
import { RunState, hasEnded } from '../parts/status.js';
import { html } from '../html.js';
import { address } from '../state/route.js';
import { kindName, t } from '../words/words.js';
import { About } from './run/about.js';
import { Approve } from './run/approve.js';
import { Progress } from './run/progress.js';
import { Rehearsal } from './run/rehearsal.js';
import { Rejects } from './run/rejects.js';
import { Ended } from './run/ended.js';
import { daysOf } from './replays/words.js';

/** @typedef {import('ingest-types').RunAnswer} RunAnswer */

/** Between two looks at a run in ms, while it is under way and when it has ended. */
const [OFTEN, RARELY] = [500, 5000];

/** @param {{run: RunAnswer, runs: RunAnswer[], again: () => void}} properties */
function Whole({ run, runs, again }) {
  const ask = (/** @type {string} */ part) => address(`/v1/runs/${run.run}${part}`, { space: run.space });
  const isRehearsal = run.dry_run && run.state === 'rehearsed';
  // The same plan may have been carried out and reverted before: only what came after this rehearsal is of it.
  const applied = runs.find((one) => one.plan === run.plan && !one.dry_run && one.requested_at_ms >= run.requested_at_ms);
  return html`<div class="stack" data-run=${run.run} data-state=${run.state}>
    <div class="shipment-head"><h2 class="run-title">${kindName(run.kind)}${run.dry_run ? `, ${t('run.rehearsal.of')}` : ''}</h2><${RunState} of=${run.state} /><span>${daysOf(run)}</span><span class="soft">${run.rules ?? ''}</span></div>
    ${run.reason && html`<p class="reason">${run.reason}</p>`}
    ${run.error && html`<p class="banner bad" role="alert">${t('run.error', { words: run.error })}</p>`}
    ${!hasEnded(run.state) && html`<${Progress} run=${run} ask=${ask} again=${again} />`}
    ${isRehearsal && html`<${Approve} run=${run} applied=${applied} />`}
    ${!run.dry_run && hasEnded(run.state) && html`<${Ended} run=${run} runs=${runs} ask=${ask} />`}
    ${isRehearsal && html`<${Rehearsal} path=${ask('/rehearsal')} />`}
    ${(run.counts?.rows_rejected ?? 0) > 0 && html`<${Rejects} path=${ask('/rejects')} />`}
    <${About} run=${run} />
  </div>`;
}

/** @param {{id: string, space: string}} properties */
export function Run({ id, space }) {
  const path = address(`/v1/runs/${encodeURIComponent(id)}`, { space });
  const [isBusy, setIsBusy] = useState(true);
  const run = useRun(path, { runs: true, every: isBusy ? OFTEN : RARELY });
  const runs = useRuns(address('/v1/runs', { space }), { live: false, runs: true, every: RARELY });
  const busy = !hasEnded(run.data?.state ?? 'requested');
  useEffect(() => setIsBusy(busy), [busy]);
  return html`<div class="stack"><p><a href="/replays">← ${t('run.back')}</a></p>
    <${Show} of=${run} height=${420}>${(/** @type {RunAnswer} */ data) => html`<${Whole} run=${data} runs=${runs.data?.runs ?? []} again=${run.again} />`}</${Show}></div>`;
}
