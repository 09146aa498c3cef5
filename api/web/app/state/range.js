// The days that a page looks at, out of its address: a number of days before data now, all, or a first and a last day.

import { useStats } from '../api/answers.js';
import { dayLater, isDay } from '../format/times.js';
import { overview } from './live.js';
import { parameters } from './route.js';

/** @typedef {{start: string, end: string, name: string}} Range the day after the last is `end`; name: 30, 90, 365, all, own */

/** What a page shows that is not told otherwise. */
const USUAL = '90';

/** @returns {Range | null} null before data now is known */
export function useRange() {
  const [start, end] = [parameters.value.get('start'), parameters.value.get('end')];
  const own = isDay(start) && isDay(end) && start < end;
  const name = own ? 'own' : parameters.value.get('range') ?? USUAL;
  const months = useStats(name === 'all' ? '/v1/routes/stats?group=month&limit=10000' : null);
  if (own) return { start, end, name };
  const now = overview.value?.as_of?.data_now;
  if (!now) return null;
  const last = dayLater(now.slice(0, 10), 1);
  if (name === 'all') {
    const first = months.data?.rows?.[0]?.stat_date;
    return months.data ? { start: first ?? dayLater(last, -1), end: last, name } : null;
  }
  const days = ['30', '90', '365'].includes(name) ? Number(name) : Number(USUAL);
  return { start: dayLater(last, -days), end: last, name: String(days) };
}
