// What is known of a run: who asked for it, when, under which rules, from which bytes.

import { Card, Facts } from '../../parts/card.js';
import { count } from '../../format/numbers.js';
import { eventTime, wallTime } from '../../format/times.js';
import { html } from '../../html.js';
import { t } from '../../words/words.js';

/** @param {{run: import('ingest-types').RunAnswer}} properties */
export function About({ run }) {
  const counts = Object.entries(run.counts ?? {});
  const files = Object.entries(run.files ?? {});
  const offsets = (run.first_offsets ?? []).map((first, i) => `${i}: ${count(first)} – ${run.end_offsets ? count(run.end_offsets[i]) : '…'}`);
  return html`<${Card} title=${t('run.facts')}><div class="about-grid">
    <${Facts} of=${[
      [t('replays.run'), html`<code>${run.run}</code>`],
      [t('replays.new.space'), run.space],
      [t('run.requester'), run.requester ?? '–'],
      [t('run.origin'), run.origin ?? '–'],
      [t('replays.when'), wallTime(run.requested_at_ms)],
      [t('replays.rules'), html`${run.rules ?? '–'} ${run.rules_sha256 && html`<code class="small soft">${run.rules_sha256.slice(0, 16)}…</code>`}`],
      [t('replays.new.dataset'), run.dataset ?? '–'],
      [t('run.asof'), eventTime(run.as_of)],
      offsets.length > 0 && [t('run.offsets'), offsets.map((one) => html`<div class="nowrap">${one}</div>`)],
    ]} />
    <div class="stack">
      ${counts.length > 0 && html`<div><h3>${t('run.counts')}</h3><${Facts} of=${counts.map(([name, value]) => [html`<code>${name}</code>`, count(Number(value))])} /></div>`}
      ${files.length > 0 && html`<details><summary>${t('run.files')}</summary><ul class="small">${files.map(([name, hash]) => html`<li>${name}<br /><code class="soft wrap">${hash}</code></li>`)}</ul></details>`}
    </div>
  </div></${Card}>`;
}
