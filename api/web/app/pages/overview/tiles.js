// The figures at a glance, each with how it came to that, and a link to its shipments.

import { useOverview, useShipments, useStats } from '../../api/answers.js';
import { Spark } from '../../charts/spark.js';
import { Failed, Loading } from '../../parts/notice.js';
import { count, percent, points, signed } from '../../format/numbers.js';
import { dayLater, daysBetween } from '../../format/times.js';
import { classes, html } from '../../html.js';
import { overview } from '../../state/live.js';
import { t } from '../../words/words.js';
import { ask, askShipments, shipments } from './query.js';

/** @typedef {import('./query.js').Route} Route */
/** @typedef {import('../../state/range.js').Range} Range */

export const OPEN = 'ORDER_PLACED,ORDER_APPROVED,WAREHOUSE_ASSIGNED,HANDED_TO_CARRIER,DELIVERY_DELAYED';

/** Points of the trends of what is at risk, stalled and quiet. */
const TREND_DAYS = 7;

/** How many stand open, at risk, stalled and quiet: of all from the stream, of a route by asking. @param {Route} route */
function useStanding(route) {
  const some = !!(route.seller || route.customer);
  const filters = /** @type {Record<string, string>[]} */ ([{ status: OPEN }, { at_risk: 'true' }, { stalled: 'true' }, { quiet: 'true' }]);
  const answers = filters.map((filter) => useShipments(some ? askShipments(route, { ...filter, limit: 1, count: 'exact' }) : null));
  const all = overview.value;
  if (!some) {
    const delivered = all?.by_status?.find((/** @type {any} */ one) => one.status === 'DELIVERED')?.count ?? 0;
    return { open: all ? all.shipments - delivered : null, risk: all?.at_risk, stalled: all?.stalled, quiet: all?.quiet, isBusy: false };
  }
  const [open, risk, stalled, quiet] = answers.map((answer) => answer.data?.total.value ?? null);
  return { open, risk, stalled, quiet, isBusy: answers.some((answer) => answer.isLoading) };
}

/** @param {{name: string, value: string, note: string, href: string, trend?: import('preact').ComponentChildren, warn?: boolean, id: string}} properties */
const Tile = ({ name, value, note, href, trend, warn, id }) => html`<a class=${classes('tile', warn && 'warn')} href=${href} data-tile=${id}>
  <span class="tile-name">${name}</span><span class="tile-value">${value}</span><span class="tile-note">${note}</span>${trend ?? html`<span></span>`}
</a>`;

/** The open shipments at the end of each day, counted back from now. @param {any[]} rows @param {number | null} open @param {number} since placed minus delivered after the range */
function openByDay(rows, open, since) {
  if (open === null) return [];
  let at = open - since;
  return rows.toReversed().map((row) => {
    const value = at;
    at -= row.placed - row.delivered;
    return value;
  }).reverse();
}

/** @param {{range: Range, route: Route}} properties */
export function Tiles({ range, route }) {
  const length = daysBetween(range.start, range.end);
  const days = useStats(ask('/v1/routes/stats', range, route, { group: 'day', limit: 10000 }));
  const before = useStats(ask('/v1/routes/stats', { start: dayLater(range.start, -length), end: range.start }, route, { group: 'month', limit: 1 }));
  const after = useStats(ask('/v1/routes/stats', { start: range.end, end: '2199-12-31' }, route, { group: 'month', limit: 1 }));
  const standing = useStanding(route);
  // The API has these of all routes together only.
  const past = useOverview(route.seller || route.customer ? null : `/v1/overview?trend_days=${TREND_DAYS}`);
  if (days.error && !days.data) return html`<${Failed} error=${days.error} again=${days.again} />`;
  if (!days.data || !before.data || !after.data) return html`<${Loading} height=${128} />`;
  const [now, then, later] = [days.data.summary, before.data.summary, after.data.summary];
  const rows = days.data.rows;
  const change = (/** @type {'delivered' | 'delivered_late'} */ column) => (then[column] == null || range.name === 'all' ? t('overview.tile.inrange') : t('overview.tile.before.count', { n: signed((now[column] ?? 0) - then[column]) }));
  const better = now.on_time_basis_points != null && then.on_time_basis_points != null ? t('overview.tile.before', { n: points(now.on_time_basis_points - then.on_time_basis_points) }) : t('overview.tile.inrange');
  const delivered = { delivered_from: range.start, delivered_to: range.end };
  const trend = (/** @type {(row: any) => number | null} */ of, tone = '') => html`<${Spark} values=${rows.map(of)} tone=${tone} />`;
  const daily = (/** @type {'at_risk' | 'stalled' | 'quiet'} */ figure) => html`<${Spark} values=${(past.data?.trend ?? []).map((point) => point[figure])} />`;
  return html`<div class=${classes('tiles', days.isOld && 'old')} aria-busy=${days.isOld || standing.isBusy}>
    <${Tile} id="open" name=${t('overview.tile.open')} value=${count(standing.open)} note=${t('overview.tile.open.note')} href=${shipments(route, { status: OPEN })}
      trend=${html`<${Spark} values=${openByDay(rows, standing.open, (later.placed ?? 0) - (later.delivered ?? 0))} />`} />
    <${Tile} id="delivered" name=${t('overview.tile.delivered')} value=${count(now.delivered ?? 0)} note=${change('delivered')} href=${shipments(route, delivered)} trend=${trend((row) => row.delivered)} />
    <${Tile} id="on-time" name=${t('overview.tile.ontime')} value=${percent(now.on_time_basis_points)} note=${better} href=${shipments(route, { ...delivered, sort: '-late' })} trend=${trend((row) => row.on_time_basis_points, 'good')} />
    <${Tile} id="late" name=${t('overview.tile.late')} value=${count(now.delivered_late ?? 0)} note=${change('delivered_late')} href=${shipments(route, { ...delivered, late_at_least: 1, sort: '-late' })} trend=${trend((row) => row.delivered_late, 'late')} />
    <${Tile} id="at-risk" name=${t('overview.tile.risk')} value=${count(standing.risk)} note=${t('overview.tile.risk.note', { n: overview.value?.at_risk_hours ?? 48 })} href=${shipments(route, { at_risk: 'true', sort: 'estimated_delivery_at' })} trend=${daily('at_risk')} />
    <${Tile} id="stalled" name=${t('overview.tile.stalled')} value=${count(standing.stalled)} note=${t('overview.tile.stalled.note', { n: overview.value?.stalled_days ?? 14 })} href=${shipments(route, { stalled: 'true', sort: 'estimated_delivery_at' })} warn=${(standing.stalled ?? 0) > 0} trend=${daily('stalled')} />
    <${Tile} id="quiet" name=${t('overview.tile.quiet')} value=${count(standing.quiet)} note=${t('overview.tile.quiet.note', { n: overview.value?.quiet_days ?? 14 })} href=${shipments(route, { quiet: 'true', sort: 'placed_at' })} trend=${daily('quiet')} />
  </div>`;
}
