// The pages of the list that are shown. What changes meanwhile is counted and waits until it is asked for, so that the
// table never moves under the pointer.

import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, get } from '../../api/http.js';
import { tick } from '../../state/live.js';

/** @typedef {{rows: any[], total: {value: number, relation: string} | null, next: string | null, hasMoved: boolean, asOf: any, error: ApiError | null, isLoading: boolean}} Pages */

const NONE = /** @type {Pages} */ ({ rows: [], total: null, next: null, hasMoved: false, asOf: null, error: null, isLoading: true });

/** Two looks for changes are at least so far apart, in ms. */
const PAUSE = 1500;

/** How many of a new first page are not as they are shown. @param {any[]} shown @param {any[]} now */
function differences(shown, now) {
  const known = new Map(shown.map((row) => [row.orderId, JSON.stringify(row)]));
  return now.filter((row) => known.get(row.orderId) !== JSON.stringify(row)).length;
}

/**
 * @param {string} question the list's path without a cursor
 * @param {boolean} follows whether changes are shown at once
 */
export function usePages(question, follows) {
  const [pages, setPages] = useState(NONE);
  const [waiting, setWaiting] = useState({ many: 0, total: false });
  const shown = useRef({ question: '', pages });
  shown.current.pages = pages;
  const follow = useRef(follows);
  follow.current = follows;
  const fail = (/** @type {unknown} */ error) => setPages((old) => ({ ...old, isLoading: false, error: error instanceof ApiError ? error : new ApiError('offline', String(error)) }));

  /** @param {AbortSignal} [signal] */
  const first = async (signal) => {
    const data = await get(question, signal);
    setPages({ rows: data.shipments, total: data.total, next: data.next, hasMoved: false, asOf: data.as_of, error: null, isLoading: false });
    setWaiting({ many: 0, total: false });
  };

  useEffect(() => {
    const stop = new AbortController();
    shown.current.question = question;
    setPages((old) => ({ ...old, isLoading: true, error: null }));
    first(stop.signal).catch((error) => stop.signal.aborted || fail(error));
    return () => stop.abort();
  }, [question]);

  // Ticks may come faster than a look takes: one is planned at a time, and none is taken back but by another question.
  const planned = useRef(0);
  const look = async () => {
    planned.current = 0;
    if (shown.current.question !== question) return;
    try {
      // Where the first page was refused, as on a system without views yet, it is asked for again.
      if (!shown.current.pages.total || (follow.current && shown.current.pages.rows.length <= 50)) await first();
      else {
        const data = await get(question);
        const { rows, total } = shown.current.pages;
        if (shown.current.question === question) setWaiting({ many: differences(rows, data.shipments), total: data.total.value !== total?.value });
      }
    } catch {
      // The badge in the head says that the API does not answer.
    }
  };
  useEffect(() => {
    const { asOf, error } = shown.current.pages;
    const isBehind = tick.value && (asOf ? asOf.search_tick < tick.value : error);
    if (isBehind && !planned.current) planned.current = window.setTimeout(look, PAUSE);
  }, [tick.value, pages.asOf, follows]);
  useEffect(
    () => () => {
      clearTimeout(planned.current);
      planned.current = 0;
    },
    [question],
  );

  const more = async () => {
    const { next } = pages;
    if (!next) return;
    setPages((old) => ({ ...old, isLoading: true }));
    try {
      const data = await get(`${question}${question.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(next)}`);
      setPages((old) => ({ ...old, rows: [...old.rows, ...data.shipments], next: data.next, hasMoved: old.hasMoved || data.moved, isLoading: false, error: null }));
    } catch (error) {
      fail(error);
    }
  };
  return { pages, waiting, more, refresh: () => first().catch(fail) };
}
