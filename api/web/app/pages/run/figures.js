// The figures of routes and days, before and after: deliveries, late ones, and their share.

import { useState } from 'preact/hooks';
import { Card, Choice } from '../../parts/card.js';
import { count, percent, points, signed } from '../../format/numbers.js';
import { html } from '../../html.js';
import { t } from '../../words/words.js';

/** @typedef {import('ingest-types').RouteComparison} RouteComparison */
/** @typedef {import('ingest-types').Figures} Figures */
/** @typedef {{name: string, rows: number | null, before: Figures | null, after: Figures | null}} Line */
/** @typedef {'route' | 'day' | 'row'} By */

/** Late deliveries of all in basis points, rounded down as the API does; null without a delivery. @param {Figures | null} of */
export const lateRate = (of) => (of?.delivered ? Math.floor((of.delivered_late * 10_000) / of.delivered) : null);

/** By how much the late rate changes, in basis points; null where one side has no delivery. @param {Figures | null} before @param {Figures | null} after */
export function lateChange(before, after) {
  const [was, then] = [lateRate(before), lateRate(after)];
  return was === null || then === null ? null : then - was;
}

/** Three figures before and after, each with the difference. @param {{before: Figures | null, after: Figures | null}} properties */
export function Cells({ before, after }) {
  const counts = (/** @type {'delivered' | 'delivered_late'} */ name) => {
    const [was, then] = [before?.[name] ?? 0, after?.[name] ?? 0];
    return html`<td class="number nowrap">${count(was)} → ${count(then)}</td><td class="number">${was === then ? '' : signed(then - was)}</td>`;
  };
  const change = lateChange(before, after);
  return html`${counts('delivered')}${counts('delivered_late')}<td class="number nowrap">${percent(lateRate(before))} → ${percent(lateRate(after))}</td><td class="number">${change ? points(change) : ''}</td>`;
}

/** The head that stands over the cells. @param {{name: string, hasRows?: boolean}} properties */
export const Head = ({ name, hasRows = false }) => html`<thead><tr><th scope="col">${name}</th>
  ${[t('overview.map.by.volume'), t('run.figures.late'), t('overview.map.by.late')].map((title, i) => html`<th scope="col" class="number">${title}</th><th scope="col" class="number">${t(i === 2 ? 'run.figures.points' : 'run.figures.difference')}</th>`)}
  ${hasRows && html`<th scope="col" class="number">${t('run.byroute.rows')}</th>`}</tr></thead>`;

/** @param {RouteComparison} of @param {By} by @returns {{lines: Line[], leftOut: number, others: Line}} */
function linesOf(of, by) {
  const route = (/** @type {{seller_region: string, customer_region: string}} */ one) => `${one.seller_region} → ${one.customer_region}`;
  const list = { route: of.by_route, day: of.by_day, row: of.rows }[by];
  const others = { name: t('common.more', { n: count(list.left_out) }), ...list.others };
  /** @type {Line[]} */
  let lines;
  if (by === 'route') lines = of.by_route.listed.map((one) => ({ name: route(one), ...one }));
  else if (by === 'day') lines = of.by_day.listed.map((one) => ({ name: one.day, ...one })).sort((a, b) => (a.name < b.name ? -1 : 1));
  else lines = of.rows.listed.map((one) => ({ name: `${one.day} ${route(one)}`, rows: null, before: one.before ?? null, after: one.after ?? null }));
  return { lines, leftOut: list.left_out, others };
}

/** @param {{of: RouteComparison}} properties */
export function FiguresCard({ of }) {
  const [by, setBy] = useState(/** @type {By} */ ('route'));
  const { lines, leftOut, others } = linesOf(of, by);
  const hasRows = by !== 'row';
  const rows = (/** @type {Line} */ line) => hasRows && html`<td class="number">${count(line.rows)}</td>`;
  const options = /** @type {[string, string][]} */ ([['route', t('common.route')], ['day', t('common.day')], ['row', t('run.figures.row')]]);
  return html`<${Card} title=${t('run.figures')} name="area-figures" note=${t('run.figures.note', { first: of.first_day ?? '–', last: of.last_day ?? '–' })}>
    <div class="row map-controls"><${Choice} label=${t('run.figures.by')} options=${options} value=${by} onChoose=${(/** @type {string} */ value) => setBy(/** @type {By} */ (value))} /></div>
    <div class="scroll tall" tabindex="0"><table data-figures=${by}>
      <${Head} name=${options.find(([value]) => value === by)?.[1] ?? ''} hasRows=${hasRows} />
      <tbody>
        ${hasRows && html`<tr class="sum" data-line="all"><th scope="row">${t('common.total')}</th><${Cells} before=${of.all.before} after=${of.all.after} />${rows({ name: '', ...of.all })}</tr>`}
        ${lines.map((line) => html`<tr data-line=${line.name}><th scope="row" class="nowrap">${line.name}</th><${Cells} before=${line.before} after=${line.after} />${rows(line)}</tr>`)}
        ${leftOut > 0 && html`<tr data-line="others"><th scope="row">${others.name}</th><${Cells} before=${others.before} after=${others.after} />${rows(others)}</tr>`}
      </tbody>
    </table></div>
  </${Card}>`;
}
