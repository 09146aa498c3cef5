// The pipeline: how far the views are behind the log, and what is in their way.

import { usePipeline } from '../api/answers.js';
import { Card, Facts } from '../parts/card.js';
import { Empty, Failed, Loading } from '../parts/notice.js';
import { SinkState } from '../parts/status.js';
import { Text } from '../parts/text.js';
import { count, fixed, signed } from '../format/numbers.js';
import { duration, wallTime } from '../format/times.js';
import { html } from '../html.js';
import { pipeline } from '../state/live.js';
import { t } from '../words/words.js';
import { DeadLetters } from './pipeline/dead-letters.js';
import { LagHistory } from './pipeline/history.js';
import { Refused } from './pipeline/refused.js';

/** Between two looks, in ms. */
const EVERY = 2000;

/** @param {{lag: any}} properties */
function Lag({ lag }) {
  const trend = lag.trend;
  const rate = (/** @type {number | undefined} */ value) => (value === undefined ? '–' : t('pipeline.persecond', { n: fixed(value, 1) }));
  return html`<${Card} title=${t('pipeline.lag')}>
    <div class="tiles">
      <div class="tile small-tile" data-figure="records"><span class="tile-name">${t('pipeline.records')}</span><span class="tile-value">${count(lag.records)}</span><span class="tile-note">${trend ? t('pipeline.trend', { n: signed(trend.records), time: duration(Math.round(trend.over_seconds)) }) : ''}</span></div>
      <div class="tile small-tile" data-figure="seconds"><span class="tile-name">${t('pipeline.seconds')}</span><span class="tile-value">${lag.records ? duration(lag.seconds) : t('fresh.none')}</span></div>
      <div class="tile small-tile"><span class="tile-name">${t('pipeline.drain')}</span><span class="tile-value">${lag.records ? duration(lag.seconds_to_drain) : '–'}</span></div>
      <div class="tile small-tile"><span class="tile-name">${t('pipeline.in')}</span><span class="tile-value">${rate(trend?.appended_per_second)}</span></div>
      <div class="tile small-tile"><span class="tile-name">${t('pipeline.out')}</span><span class="tile-value">${rate(trend?.written_per_second)}</span></div>
    </div>
    <div class="stack">
    ${!lag.records && html`<p class="mark good">${t('pipeline.lag.none')}</p>`}
    <${LagHistory} lag=${lag} />
    <div class="scroll"><table><thead><tr><th scope="col">${t('pipeline.partition')}</th><th scope="col" class="number">${t('pipeline.position')}</th><th scope="col" class="number">${t('pipeline.end')}</th><th scope="col" class="number">${t('pipeline.records')}</th><th scope="col" class="number">${t('pipeline.seconds')}</th></tr></thead>
      <tbody>${lag.partitions.map((/** @type {any} */ one) => html`<tr data-partition=${one.partition}><th scope="row">${one.partition}</th><td class="number">${count(one.written)}</td><td class="number">${count(one.end)}</td><td class="number">${count(one.records)}</td><td class="number">${one.records ? duration(one.seconds) : '–'}</td></tr>`)}</tbody></table></div></div>
  </${Card}>`;
}

/** @param {{ticks: any}} properties */
const Ticks = ({ ticks }) => html`<${Card} title=${t('pipeline.ticks')}><${Facts} of=${[
  [t('pipeline.epoch'), html`<code>${ticks.epoch}</code>`],
  [t('pipeline.stats'), html`<code>${ticks.stats_tick}</code> <span class="soft">${wallTime(ticks.stats_tick)}</span>`],
  [t('pipeline.visible'), html`<code>${ticks.visible_tick}</code> <span class="soft">${wallTime(ticks.visible_tick)}</span>`],
]} /></${Card}>`;

/** @param {{sinks: any[], dataflow: any}} properties */
const Stores = ({ sinks, dataflow }) => html`<${Card} title=${t('pipeline.stores')}>
  ${dataflow && html`<p class="row"><span class="soft">${t('pipeline.dataflow')}</span><span class=${`mark ${dataflow.state === 'ready' ? 'good' : dataflow.state === 'failed' || dataflow.state === 'blocked' ? 'bad' : 'busy'}`}>${dataflow.state}</span></p>
    ${dataflow.blocked.map((/** @type {any} */ one) => html`<p class="banner bad"><strong>${one.what}</strong>: ${one.words}</p>`)}`}
  <div class="scroll"><table><thead><tr><th scope="col">${t('pipeline.store')}</th><th scope="col">${t('replays.state')}</th><th scope="col">${t('pipeline.views')}</th><th scope="col">${t('pipeline.words')}</th></tr></thead>
    <tbody>${sinks.map((one) => html`<tr data-store=${one.store}><th scope="row">${one.store}</th><td><${SinkState} of=${one.state} /></td><td>${one.views.join(', ')}</td><td>${one.words ?? '–'}</td></tr>`)}</tbody></table></div>
</${Card}>`;

export function Page() {
  const answer = usePipeline('/v1/pipeline', { live: false, every: EVERY });
  const data = pipeline.value && (pipeline.value.as_of?.wall ?? '') > (answer.data?.as_of?.wall ?? '') ? pipeline.value : answer.data;
  if (!data) return answer.error ? html`<${Failed} error=${answer.error} again=${answer.again} />` : html`<${Loading} height=${400} />`;
  return html`<div class="stack">
    ${answer.error && html`<${Failed} error=${answer.error} again=${answer.again} />`}
    ${data.lag ? html`<${Lag} lag=${data.lag} />` : html`<${Card} title=${t('pipeline.lag')}><${Empty}>${t('fresh.unknown')}</${Empty}></${Card}>`}
    <div class="two-grid">${data.ticks && html`<${Ticks} ticks=${data.ticks} />`}<${Stores} sinks=${data.sinks} dataflow=${data.dataflow} /></div>
    <${DeadLetters} of=${data.dead_letters} />
    <${Refused} of=${data.refused_documents} hasDataflow=${!!data.dataflow} again=${answer.again} />
    ${data.unknown.length > 0 && html`<${Card} title=${t('pipeline.unknown')}><${Facts} of=${data.unknown.map((/** @type {any} */ one) => [html`<code>${one.what}</code>`, html`<${Text} of=${one.why} />`])} /></${Card}>`}
  </div>`;
}
