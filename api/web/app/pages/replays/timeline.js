// All runs over wall time, also those under way: a row a run.

import { useState } from 'preact/hooks';
import { useWidth } from '../../charts/timeline.js';
import { hideTip, showTip } from '../../charts/tip.js';
import { Card, Choice } from '../../parts/card.js';
import { Empty } from '../../parts/notice.js';
import { hasEnded } from '../../parts/status.js';
import { wallTime } from '../../format/times.js';
import { classes, html } from '../../html.js';
import { navigate } from '../../state/route.js';
import { kindName, stateName, t } from '../../words/words.js';
import { linesOf, runAddress } from './words.js';

const [ROW, BOTTOM, MOST] = [26, 24, 25];
/** Spans that can be looked at, in ms; 0 is all. */
const SPANS = /** @type {[string, number][]} */ ([['1h', 3_600_000], ['24h', 86_400_000], ['30d', 30 * 86_400_000], ['all', 0]]);
const TONES = /** @type {Record<string, string>} */ ({ committed: 'good', failed: 'bad', interrupted: 'bad', cancelled: 'none', rehearsed: 'dry' });

/** A time on the scale, as fine as that is. @param {number} at @param {number} span */
function mark(at, span) {
  const text = wallTime(at);
  if (span > 172_800_000) return text.slice(0, 10);
  if (span > 43_200_000) return text.slice(5, 16);
  return span > 1_200_000 ? text.slice(11, 16) : text.slice(11, 19);
}

/** @param {{runs: any[], from: number, to: number}} properties */
function Rows({ runs, from, to }) {
  const [place, width] = useWidth();
  const isNarrow = width < 560;
  const left = isNarrow ? 112 : 240;
  const x = (/** @type {number} */ at) => left + Math.max(0, Math.min(1, (at - from) / Math.max(1, to - from))) * (width - left - 8);
  const height = runs.length * ROW + BOTTOM;
  const marks = [0, 0.25, 0.5, 0.75, 1].filter((_, i) => !isNarrow || i % 2 === 0).map((part) => from + part * (to - from));
  return html`<div ref=${place}>${width > 0 && html`<svg class="runs" viewBox=${`0 0 ${width} ${height}`} role="group" aria-label=${t('replays.timeline')} onMouseLeave=${hideTip}>
    ${marks.map((at, i) => html`<path class="base" d=${`M${x(at)} 0V${height - BOTTOM}`} /><text x=${x(at)} y=${height - 7} text-anchor=${i === 0 ? 'start' : i === marks.length - 1 ? 'end' : 'middle'}>${mark(at, to - from)}</text>`)}
    ${runs.map((run, i) => {
      const end = hasEnded(run.state) ? run.at_ms : to;
      const [first, last] = [x(run.requested_at_ms), x(end)];
      const label = `${kindName(run.kind)}${run.dry_run ? `, ${t('run.rehearsal.of')}` : ''}`;
      const name = `${label}, ${stateName(run.state)}, ${linesOf(run).join(', ')}`;
      const go = () => navigate(runAddress(run));
      return html`<g class="run-row" key=${run.run} role="link" tabindex="0" aria-label=${name} data-run=${run.run} onClick=${go} onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === 'Enter' && go()}
          onMouseMove=${(/** @type {MouseEvent} */ event) => showTip(event, [label, ...linesOf(run)])} onFocus=${(/** @type {Event} */ event) => showTip(event, [label, ...linesOf(run)])} onBlur=${hideTip}>
        <rect class="hit" x="0" y=${i * ROW} width=${width} height=${ROW} rx="4" />
        <text class="name" x="4" y=${i * ROW + 17}>${isNarrow ? kindName(run.kind) : label}</text>${!isNarrow && html`<text class="id" x=${left - 12} y=${i * ROW + 17} text-anchor="end">${run.run.slice(0, 8)}</text>`}
        <rect class=${classes('bar', TONES[run.state] ?? 'busy')} x=${Math.min(first, width - 12)} y=${i * ROW + 7} width=${Math.max(6, last - first)} height="12" rx="3" />
      </g>`;
    })}
  </svg>`}</div>`;
}

/** @param {{runs: any[]}} properties */
export function TimelineCard({ runs }) {
  const [span, setSpan] = useState('');
  const now = Date.now();
  const enough = SPANS.find(([, ms]) => !ms || runs.filter((run) => run.at_ms >= now - ms).length >= Math.min(3, runs.length));
  const [name, length] = SPANS.find(([one]) => one === span) ?? enough ?? SPANS[3];
  const shown = runs.filter((run) => !length || !hasEnded(run.state) || run.at_ms >= now - length).slice(-MOST).reverse();
  const from = Math.min(now - 60_000, ...shown.map((run) => run.requested_at_ms));
  const choices = /** @type {[string, string][]} */ (SPANS.map(([one, ms]) => [one, ms ? t(one.endsWith('h') ? 'unit.h' : 'unit.d', { n: parseInt(one, 10) }) : t('common.all')]));
  return html`<${Card} title=${t('replays.timeline')} actions=${html`<${Choice} label=${t('replays.timeline')} options=${choices} value=${name} onChoose=${setSpan} />`}>
    ${shown.length ? html`<${Rows} runs=${shown} from=${from} to=${now} />` : html`<${Empty}>${runs.length ? undefined : t('replays.runs.none')}</${Empty}>`}
  </${Card}>`;
}
