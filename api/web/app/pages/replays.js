// Replays: which run has which days, all runs over wall time, and starting one; with a run in the address, that run.

import { useEffect, useState } from 'preact/hooks';
import { useRuns } from '../api/answers.js';
import { Tip } from '../charts/tip.js';
import { Failed, Loading } from '../parts/notice.js';
import { hasEnded } from '../parts/status.js';
import { html } from '../html.js';
import { pageItem, parameters } from '../state/route.js';
import { CalendarCard } from './replays/calendar.js';
import { StartForm } from './replays/form.js';
import { RunList } from './replays/list.js';
import { TimelineCard } from './replays/timeline.js';
import { Run } from './run.js';

/** Between two looks at the runs in ms, while one is under way and else. */
const [OFTEN, RARELY] = [1000, 5000];

function Overview() {
  const [isBusy, setIsBusy] = useState(true);
  const runs = useRuns('/v1/runs', { live: false, runs: true, every: isBusy ? OFTEN : RARELY });
  const busy = runs.data?.runs.some((run) => !hasEnded(run.state)) ?? true;
  useEffect(() => setIsBusy(busy), [busy]);
  if (runs.error && !runs.data) return html`<${Failed} error=${runs.error} again=${runs.again} />`;
  if (!runs.data) return html`<${Loading} height=${420} />`;
  const form = parameters.value.get('form');
  return html`<div class="stack">
    <${CalendarCard} runs=${runs.data.runs} />
    <${TimelineCard} runs=${runs.data.runs} />
    <${RunList} runs=${runs.data.runs} />
    ${form && html`<${StartForm} />`}
    <${Tip} />
  </div>`;
}

export function Page() {
  if (pageItem.value) return html`<${Run} id=${pageItem.value} space=${parameters.value.get('space') ?? ''} key=${pageItem.value} /><${Tip} />`;
  return html`<${Overview} />`;
}
