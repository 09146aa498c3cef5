// One answer of the API in a component: loading, there, or refused; asked again when the views have moved.
//
// Components that ask the same share one answer and one request. While a request is under way no other one for the same
// path begins: a slow API is asked less often, and what it answers is always shown.

import { useEffect, useReducer, useRef } from 'preact/hooks';
import { runsMoved, tick } from '../state/live.js';
import { who } from '../state/session.js';
import { ApiError, get } from './http.js';

/**
 * What a component has of an answer. `data` stays while it is asked for again; `isOld` says that it is of another
 * question than the present one.
 * @template T
 * @typedef {{data: T | null, error: ApiError | null, isLoading: boolean, isOld: boolean, again: () => void}} Resource
 */

/** live: again at each new tick; runs: when a run has taken a step; every: again after so many ms. @typedef {{live?: boolean, runs?: boolean, every?: number}} How */

/** An answer and who shows it. */
class Entry {
  /** @param {string} path */
  constructor(path) {
    this.path = path;
    this.data = /** @type {any} */ (null);
    this.error = /** @type {ApiError | null} */ (null);
    /** What it was last asked for. */
    this.moment = '';
    this.askedAt = 0;
    this.flight = /** @type {AbortController | null} */ (null);
    this.isDue = false;
    this.listeners = /** @type {Set<() => void>} */ (new Set());
  }

  /** @param {string} moment of the views and the person */
  ask(moment) {
    if (this.moment === moment && (this.flight || performance.now() - this.askedAt < 300)) return;
    this.moment = moment;
    this.again();
  }

  again() {
    if (this.flight) {
      this.isDue = true;
      return;
    }
    const flight = new AbortController();
    this.flight = flight;
    this.askedAt = performance.now();
    this.isDue = false;
    get(this.path, flight.signal)
      .then(
        (data) => {
          this.data = data;
          this.error = null;
        },
        (reason) => {
          if (!flight.signal.aborted) this.error = reason instanceof ApiError ? reason : new ApiError('offline', String(reason));
        },
      )
      .finally(() => {
        if (this.flight !== flight) return;
        this.flight = null;
        this.listeners.forEach((changed) => changed());
        if (this.isDue && this.listeners.size) this.again();
      });
  }

  /** @param {() => void} changed */
  leave(changed) {
    this.listeners.delete(changed);
    if (this.listeners.size) return;
    // Nobody waits for it.
    this.flight?.abort();
    this.flight = null;
    this.moment = '';
  }
}

/** Answers by path, the last ones: going back shows them at once. @type {Map<string, Entry>} */
const known = new Map();
const KEPT = 80;

/** @param {string} path */
function entryOf(path) {
  const entry = known.get(path) ?? new Entry(path);
  known.delete(path);
  known.set(path, entry);
  for (const [old, one] of known) {
    if (known.size <= KEPT) break;
    if (!one.listeners.size) known.delete(old);
  }
  return entry;
}

/**
 * @param {string | null} path null asks nothing
 * @param {How} [how]
 * @returns {Resource<any>}
 */
export function useResource(path, { live = true, runs = false, every = 0 } = {}) {
  const [, redraw] = useReducer((/** @type {number} */ n) => n + 1, 0);
  const shown = useRef({ path: /** @type {string | null} */ (null), data: /** @type {any} */ (null) });
  const moment = `${live ? tick.value : 0} ${runs ? runsMoved.value : 0} ${who.value?.name ?? ''}`;
  useEffect(() => {
    if (!path) return undefined;
    const entry = entryOf(path);
    const changed = () => redraw(undefined);
    entry.listeners.add(changed);
    const timer = every ? setInterval(() => document.hidden || entry.flight || entry.again(), every) : 0;
    return () => {
      clearInterval(timer);
      entry.leave(changed);
    };
  }, [path, every]);
  useEffect(() => {
    if (path) entryOf(path).ask(moment);
  }, [path, moment]);
  const entry = path ? known.get(path) : undefined;
  if (!path) shown.current = { path: null, data: null };
  else if (entry?.data) shown.current = { path, data: entry.data };
  const { data } = shown.current;
  return { data, error: entry?.error ?? null, isLoading: !!path && !entry?.data && !entry?.error, isOld: data !== null && shown.current.path !== path, again: () => entry?.again() };
}
