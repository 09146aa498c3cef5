// Words about runs.

import { count } from '../../format/numbers.js';
import { dayLater, wallTime } from '../../format/times.js';
import { t } from '../../words/words.js';

/** The days of a run, the last one included. @param {{start?: string | null, end?: string | null, kind?: string}} run */
export function daysOf({ start, end, kind }) {
  if (kind === 'revert' || kind === 'rows') return '–';
  if (start && end) return dayLater(start, 1) === end ? start : `${start} – ${dayLater(end, -1)}`;
  if (start) return t('replays.days.from', { start });
  return end ? t('replays.days.to', { end }) : t('replays.days.all');
}

/** Records that a run has written. @param {any} run */
export const writtenBy = (run) => (run.counts?.events ?? run.progress?.records ?? 0) + (run.counts?.tombstones ?? 0);

/** A run's address. @param {{run: string, space?: string}} run @param {string} [home] the space of the list */
export const runAddress = ({ run, space }, home) => `/replays/${run}${space && home && space !== home ? `?space=${encodeURIComponent(space)}` : ''}`;

/** In one line, for a tip. @param {any} run */
export const linesOf = (run) => [run.run, daysOf(run), `${run.rules ?? '–'} · ${count(writtenBy(run))}`, wallTime(run.requested_at_ms)];
