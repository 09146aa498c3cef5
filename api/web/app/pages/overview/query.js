// Questions about a range of days and a route.

import { address } from '../../state/route.js';

/** @typedef {{seller: string, customer: string}} Route */

/**
 * @param {string} path @param {{start: string, end: string}} range @param {Route} route
 * @param {Record<string, string | number>} [more]
 */
export const ask = (path, range, route, more = {}) =>
  address(path, { start: range.start, end: range.end, seller_region: route.seller, customer_region: route.customer, ...more });

/** Shipments of a route. @param {Route} route @param {Record<string, string | number>} more */
export const shipments = (route, more) => address('/shipments', { seller_region: route.seller, customer_region: route.customer, ...more });

/** The same for the API. @param {Route} route @param {Record<string, string | number>} more */
export const askShipments = (route, more) => address('/v1/shipments', { seller_region: route.seller, customer_region: route.customer, ...more });
