// One answer of the API in a component: loading, there, or refused; asked again when the views have moved.

import { useEffect, useRef, useState } from 'preact/hooks';
import { tick } from '../state/live.js';
import { who } from '../state/session.js';
import { ApiError, get } from './http.js';

/**
 * What a component has of an answer. `data` stays while it is asked for again; `isOld` says that it is of another
 * question than the present one.
 * @template T
 * @typedef {{data: T | null, error: ApiError | null, isLoading: boolean, isOld: boolean, again: () => void}} Resource
 */

/** Answers by path, for a moment: going back shows them at once. @type {Map<string, any>} */
const known = new Map();
const KEPT = 60;

/** @param {string} path @param {unknown} data */
function keep(path, data) {
  known.delete(path);
  known.set(path, data);
  const oldest = known.keys().next().value;
  if (known.size > KEPT && oldest !== undefined) known.delete(oldest);
}

/**
 * @param {string | null} path null asks nothing
 * @param {{live?: boolean, every?: number}} [how] live: again at each new tick; every: again after so many ms
 * @returns {Resource<any>}
 */
export function useResource(path, { live = true, every = 0 } = {}) {
  const [state, setState] = useState({ path, data: path ? known.get(path) ?? null : null, error: /** @type {ApiError | null} */ (null), isLoading: !!path });
  const [count, setCount] = useState(0);
  const moment = live ? tick.value : 0;
  const person = who.value?.name;
  const busy = useRef('');
  useEffect(() => {
    if (!path) {
      setState({ path, data: null, error: null, isLoading: false });
      return undefined;
    }
    const stop = new AbortController();
    const isNew = busy.current !== path;
    busy.current = path;
    if (isNew) setState((old) => ({ path: known.has(path) ? path : old.path, data: known.get(path) ?? old.data, error: null, isLoading: true }));
    get(path, stop.signal).then(
      (data) => {
        if (stop.signal.aborted) return;
        keep(path, data);
        setState({ path, data, error: null, isLoading: false });
      },
      (error) => {
        if (stop.signal.aborted) return;
        const refused = error instanceof ApiError ? error : new ApiError('offline', String(error));
        setState((old) => ({ ...old, error: refused, isLoading: false }));
      },
    );
    const timer = every ? setTimeout(() => setCount((n) => n + 1), every) : 0;
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [path, moment, count, person]);
  const again = () => setCount((n) => n + 1);
  return { data: state.data, error: state.error, isLoading: state.isLoading, isOld: state.data !== null && state.path !== path, again };
}
