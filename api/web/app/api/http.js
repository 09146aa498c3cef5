// Requests to the API: JSON in and out, refusals as one kind of error, the CSRF header with every write.

import { csrf, signInNeeded } from '../state/session.js';

/** How a request can fail, as a page shows it. @typedef {'forbidden' | 'sign_in' | 'missing' | 'away' | 'offline' | 'busy' | 'refused'} Failure */

/** A request that was not answered as hoped. */
export class ApiError extends Error {
  /**
   * @param {Failure} kind
   * @param {string} detail
   * @param {{status?: number, field?: string, requestId?: string}} [about]
   */
  constructor(kind, detail, about = {}) {
    super(detail);
    this.kind = kind;
    this.status = about.status ?? 0;
    this.field = about.field;
    this.requestId = about.requestId;
  }
}

/** @param {number} status @returns {Failure} */
function kindOf(status) {
  if (status === 401) return 'sign_in';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'missing';
  if (status === 429) return 'busy';
  return status === 502 || status === 503 || status === 504 ? 'away' : 'refused';
}

/** @param {Response} response */
async function refusal(response) {
  const text = await response.text();
  let problem = /** @type {{detail?: string, title?: string, field?: string, requestId?: string}} */ ({});
  try {
    problem = JSON.parse(text);
  } catch {
    // Not from our API: a proxy's page.
  }
  const detail = problem.detail ?? problem.title ?? `HTTP ${response.status}`;
  const { field, requestId } = problem;
  return new ApiError(kindOf(response.status), detail, { status: response.status, field, requestId });
}

/**
 * Sends a request and returns its answer.
 * @param {string} path
 * @param {RequestInit} [how]
 */
export async function send(path, how = {}) {
  const headers = new Headers(how.headers);
  headers.set('accept', headers.get('accept') ?? 'application/json');
  const method = how.method ?? 'GET';
  if (method !== 'GET' && csrf.peek()) headers.set('x-csrf-token', csrf.peek());
  let response;
  try {
    response = await fetch(path, { ...how, headers, credentials: 'same-origin' });
  } catch (error) {
    if (how.signal?.aborted) throw error;
    throw new ApiError('offline', String(/** @type {Error} */ (error).message));
  }
  if (response.ok) return response;
  if (response.status === 401) signInNeeded.value = true;
  throw await refusal(response);
}

/**
 * @param {string} path
 * @param {AbortSignal} [signal]
 */
export async function get(path, signal) {
  return (await send(path, { signal })).json();
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {Record<string, string>} [headers]
 */
export async function write(method, path, body, headers = {}) {
  const how = { method, headers: { 'content-type': 'application/json', ...headers } };
  const response = await send(path, body === undefined ? { method, headers } : { ...how, body: JSON.stringify(body) });
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}
