// The calendar of the days that events fall on: who made them what they are, and from where to correct them.

import { useState } from 'preact/hooks';
import { useCoverage, useStats } from '../../api/answers.js';
import { Calendar } from '../../charts/calendar.js';
import { hideTip } from '../../charts/tip.js';
import { Card, Choice } from '../../parts/card.js';
import { Failed, Loading } from '../../parts/notice.js';
import { count } from '../../format/numbers.js';
import { dayLater, wallTime } from '../../format/times.js';
import { html } from '../../html.js';
import { navigate, parameters, setParameters } from '../../state/route.js';
import { may } from '../../state/session.js';
import { kindName, t } from '../../words/words.js';
import { groupOf, groups, stretchOf } from './coverage.js';
import { daysOf } from './words.js';

const COUNTED = ['placed', 'approved', 'assigned', 'handed', 'delayed', 'delivered'];

/** Events by day. @param {any} stats @returns {Map<string, number>} */
const eventsByDay = (stats) => new Map((stats?.rows ?? []).map((/** @type {any} */ row) => [row.stat_date, COUNTED.reduce((sum, name) => sum + row[name], 0)]));

/** How many rows a stretch's run rejected. @param {any} stretch @param {any} run */
const rejectsOf = (stretch, run) => stretch.rejects?.rows ?? run?.counts?.rows_rejected ?? 0;

/** @param {{coverage: any[], runs: any[]}} properties the same as a table */
const CoverageTable = ({ coverage, runs }) => html`<div class="scroll"><table>
  <thead><tr><th scope="col">${t('replays.days')}</th><th scope="col">${t('replays.run')}</th><th scope="col">${t('replays.kind')}</th><th scope="col">${t('replays.rules')}</th><th scope="col">${t('replays.new.dataset')}</th><th scope="col" class="number">${t('run.rejects')}</th><th scope="col">${t('state.committed')}</th></tr></thead>
  <tbody>${coverage.map((one) => html`<tr><th scope="row" class="nowrap">${daysOf(one)}</th><td><a class="mono" href=${`/replays/${one.run}`}>${one.run}</a></td><td>${kindName(one.kind)}</td><td>${one.rules ?? '–'}</td><td>${one.dataset ?? '–'}</td><td class="number">${count(rejectsOf(one, runs.find((run) => run.run === one.run)))}</td><td class="nowrap">${wallTime(one.committed_at_ms)}</td></tr>`)}</tbody>
</table></div>`;

/** @param {{runs: any[]}} properties */
export function CalendarCard({ runs }) {
  const [asTable, setAsTable] = useState(false);
  const covered = useCoverage('/v1/coverage', { runs: true });
  const stats = useStats('/v1/routes/stats?group=day&limit=10000');
  const start = html`<button class="button main-action" type="button" disabled=${!may('replay')} onClick=${() => setParameters({ form: 'window' })}>${t('replays.new')}</button>`;
  if (covered.error && !covered.data) return html`<${Card} title=${t('replays.calendar')} actions=${start}><${Failed} error=${covered.error} again=${covered.again} /></${Card}>`;
  if (!covered.data || !stats.data) return html`<${Card} title=${t('replays.calendar')} actions=${start}><${Loading} height=${300} /></${Card}>`;
  const coverage = covered.data.coverage;
  const all = groups(coverage);
  const events = eventsByDay(stats.data);
  const years = [...new Set([...events.keys()].map((day) => day.slice(0, 4)))].sort();
  const fullest = [...years].sort((a, b) => sumOf(events, b) - sumOf(events, a))[0];
  const year = parameters.value.get('year') ?? fullest ?? String(new Date().getUTCFullYear());
  /** @param {string} day */
  const look = (day) => {
    const stretch = stretchOf(coverage, day);
    const many = events.get(day) ?? 0;
    if (!stretch) return { name: '', isPale: true, lines: [day, t('replays.calendar.none')] };
    const run = runs.find((one) => one.run === stretch.run);
    const changed = run?.counts?.facts_changed;
    const lines = [day, `${stretch.rules} · ${kindName(stretch.kind)} · ${wallTime(stretch.committed_at_ms)}`, t('replays.calendar.facts', { n: count(many) })];
    if (changed !== undefined) lines.push(`${t('run.changed')}: ${count(changed)}`, `${t('run.retracted')}: ${count(run.counts.facts_retracted ?? 0)}`);
    const rejects = rejectsOf(stretch, run);
    if (rejects) lines.push(t('replays.calendar.rejects', { n: count(rejects) }));
    return { name: groupOf(all, stretch)?.name ?? '', isPale: many === 0, lines };
  };
  /** @param {string} day */
  const open = (day) => {
    const stretch = stretchOf(coverage, day);
    hideTip();
    if (stretch) navigate(`/replays/${stretch.run}`);
  };
  /** @param {string} first @param {string} last */
  const select = (first, last) => setParameters({ form: 'window', start: first, end: dayLater(last, 1) });
  const choices = /** @type {[string, string][]} */ (years.map((one) => [one, one]));
  return html`<${Card} title=${t('replays.calendar')} note=${t('replays.calendar.hint')}
      actions=${html`${years.length > 1 && html`<${Choice} label=${t('replays.calendar.year')} options=${choices} value=${year} onChoose=${(/** @type {string} */ one) => setParameters({ year: one }, { replace: true })} />`}
        <button class="button" type="button" aria-pressed=${asTable} onClick=${() => setAsTable(!asTable)}>${t('common.table')}</button>${start}`}>
    ${asTable ? html`<${CoverageTable} coverage=${coverage} runs=${runs} />` : html`<${Calendar} year=${Number(year)} label=${t('replays.calendar')} look=${look} onOpen=${open} onSelect=${select} />`}
    <ul class="legend">${[...all.values()].map((one) => html`<li><i class=${one.name}></i>${t('replays.calendar.group', { rules: one.rules, dataset: one.dataset })}</li>`)}</ul>
  </${Card}>`;
}

/** @param {Map<string, number>} events @param {string} year */
const sumOf = (events, year) => [...events].reduce((sum, [day, many]) => sum + (day.startsWith(year) ? many : 0), 0);
