// Numbers as a person reads them.

import { language } from '../state/settings.js';

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/** @param {Intl.NumberFormatOptions} options */
function format(options) {
  const key = language.value + JSON.stringify(options);
  let known = formats.get(key);
  if (!known) formats.set(key, (known = new Intl.NumberFormat(language.value, options)));
  return known;
}

/** What is shown where there is no number. */
export const NONE = '–';
/** As wide as a plus, unlike the hyphen that formats have. */
const MINUS = '−';

/** A count with its groups. @param {number | null | undefined} value */
export const count = (value) => (value === null || value === undefined ? NONE : format({}).format(value));

/** A count in a small place: 12.3K. @param {number} value */
export const short = (value) => format({ notation: 'compact', maximumFractionDigits: 1 }).format(value);

/** Basis points as a percentage with one place. @param {number | null | undefined} points */
export const percent = (points) =>
  points === null || points === undefined ? NONE : format({ style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(points / 10_000);

/** A difference of two rates in basis points, in points of a percentage. @param {number} basis basis points */
export const points = (basis) => format({ minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: 'exceptZero' }).format(basis / 100).replace('-', MINUS);

/** A signed count. @param {number} value */
export const signed = (value) => format({ signDisplay: 'exceptZero' }).format(value).replace('-', MINUS);

/** A number with at most so many places. @param {number} value @param {number} places */
export const fixed = (value, places) => format({ maximumFractionDigits: places }).format(value);

/** @param {number} bytes */
export function size(bytes) {
  const unit = bytes < 1e3 ? 'byte' : bytes < 1e6 ? 'kilobyte' : 'megabyte';
  const divisor = bytes < 1e3 ? 1 : bytes < 1e6 ? 1e3 : 1e6;
  return format({ style: 'unit', unit, maximumFractionDigits: 1 }).format(bytes / divisor);
}
