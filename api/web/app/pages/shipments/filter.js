// The filter of the list: parameters of the address under the names that the API has for them.

import { address, parameters } from '../../state/route.js';

/** What selects shipments, in the order of the form. */
export const FILTERS = ['q', 'order_id', 'status', 'at_risk', 'at_risk_hours', 'stalled', 'stalled_days', 'quiet', 'quiet_days', 'delayed', 'seller_region', 'customer_region', 'route', 'late_at_least', ...['placed', 'approved', 'assigned', 'handed', 'delayed', 'delivered', 'deadline'].flatMap((name) => [`${name}_from`, `${name}_to`])];

/** The times that a range may be of. */
export const TIMES = /** @type {const} */ (['placed', 'approved', 'assigned', 'handed', 'delayed', 'delivered', 'deadline']);

/** What is given of the filter. */
export function given() {
  return FILTERS.filter((name) => parameters.value.get(name)).map((name) => /** @type {[string, string]} */ ([name, parameters.value.get(name)]));
}

/** A question about the filtered shipments. @param {string} path @param {Record<string, string | number>} [more] */
export const ask = (path, more = {}) => address(path, { ...Object.fromEntries(given()), ...more });

/** The values of a list parameter. @param {string} name */
export const values = (name) => (parameters.value.get(name) ?? '').split(',').filter(Boolean);

/** A list with a value put in or taken out. @param {string[]} all @param {string} value */
export const toggled = (all, value) => (all.includes(value) ? all.filter((one) => one !== value) : [...all, value]).join(',');

export const sort = () => parameters.value.get('sort') ?? '-placed_at';
