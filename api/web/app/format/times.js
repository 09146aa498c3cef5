// Times. Event times are texts of UTC and shown as they were recorded; wall times go by the chosen zone.

import { zone } from '../state/settings.js';
import { t } from '../words/words.js';
import { NONE, fixed } from './numbers.js';

export const DAY = 86_400;

/** `2018-03-01T12:00:00Z` as `2018-03-01 12:00:00`. @param {string | null | undefined} text */
export const eventTime = (text) => (text ? text.replace('T', ' ').replace('Z', '') : NONE);

/** An event time without its seconds. @param {string | null | undefined} text */
export const eventMinute = (text) => (text ? text.slice(0, 16).replace('T', ' ') : NONE);

/** Seconds since 1970 of an event time. @param {string} text */
export const seconds = (text) => Date.parse(text) / 1000;

/** @param {number} value */
const two = (value) => String(value).padStart(2, '0');

/** A wall time, from milliseconds, by the chosen zone. @param {number | null | undefined} ms */
export function wallTime(ms) {
  if (!ms) return NONE;
  const date = new Date(ms);
  if (zone.value === 'utc') return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The time of day of a wall time. @param {number} ms */
export const wallClock = (ms) => wallTime(ms).slice(11, 19);

/** How long something takes, in its two greatest units. @param {number | null | undefined} value seconds */
export function duration(value) {
  if (value === null || value === undefined) return NONE;
  const sign = value < 0 ? '−' : '';
  const all = Math.abs(value);
  if (all < 0.001) return sign + t('unit.us', { n: fixed(all * 1e6, 0) });
  if (all < 1) return sign + t('unit.ms', { n: fixed(all * 1000, all < 0.1 ? 1 : 0) });
  if (all < 60) return sign + t('unit.s', { n: fixed(all, all < 10 ? 1 : 0) });
  const whole = Math.floor(all);
  const units = /** @type {const} */ ([[Math.floor(whole / DAY), 'unit.d'], [Math.floor(whole / 3600) % 24, 'unit.h'], [Math.floor(whole / 60) % 60, 'unit.min'], [whole % 60, 'unit.s']]);
  const first = units.findIndex(([many]) => many > 0);
  const shown = units.slice(first, first + 2).filter(([many]) => many > 0);
  return sign + shown.map(([n, unit]) => t(unit, { n })).join(' ');
}

/** Days as texts. @param {string} day @param {number} days */
export function dayLater(day, days) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY * 1000).toISOString().slice(0, 10);
}

/** How many days lie between. @param {string} start @param {string} end */
export const daysBetween = (start, end) => Math.round((Date.parse(end) - Date.parse(start)) / (DAY * 1000));

/** Whether a text is a day. @param {string | null | undefined} text @returns {text is string} */
export const isDay = (text) => !!text && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
