// The overview: how the shipments stand, when and where deliveries are late. Whatever is clicked filters the rest.

import { Tip } from '../charts/tip.js';
import { Empty, Failed, Loading } from '../parts/notice.js';
import { html } from '../html.js';
import { link, overview } from '../state/live.js';
import { useRange } from '../state/range.js';
import { useOverview } from '../api/answers.js';
import { t } from '../words/words.js';
import { chosenRoute } from './overview/chosen.js';
import { Controls } from './overview/controls.js';
import { DaysCard } from './overview/days.js';
import { RoutesCards } from './overview/routes.js';
import { Tiles } from './overview/tiles.js';
import { Worst } from './overview/worst.js';

export function Page() {
  const range = useRange();
  // Where the stream is not there yet, or not at all.
  const asked = useOverview(overview.value ? null : '/v1/overview');
  if (asked.data && !overview.value) overview.value = asked.data;
  if (!range) {
    if (asked.error) return html`<${Failed} error=${asked.error} again=${asked.again} />`;
    if (overview.value && !overview.value.as_of?.data_now) return html`<${Empty}>${t('replays.runs.none')}</${Empty}>`;
    return html`<${Loading} height=${link.value === 'offline' ? 64 : 400} />`;
  }
  const route = chosenRoute();
  return html`<div class="stack">
    <${Controls} range=${range} route=${route} />
    <${Tiles} range=${range} route=${route} />
    <div class="overview-grid">
      <${DaysCard} range=${range} route=${route} />
      <${Worst} range=${range} route=${route} />
      <${RoutesCards} range=${range} route=${route} />
    </div>
    <${Tip} />
  </div>`;
}
