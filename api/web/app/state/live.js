// What changes, as it changes: one EventSource for all tabs of this browser.
//
// A browser opens six connections to a host at most, and a stream takes one for good; eight tabs of their own would
// leave none for requests. So one visible tab holds a lock and has the stream, and hands its events on over a
// BroadcastChannel; when it is hidden or closed the next visible tab gets the lock. Where there are no locks (a page
// over http from another machine), each visible tab has a stream of its own.

import { batch, signal } from '@preact/signals';

/** @typedef {'connecting' | 'live' | 'offline' | 'hidden'} Link */

/** The greatest visible tick that the stream has told of; 0 before the first. */
export const tick = signal(0);
/** The present overview, as GET /v1/overview without parameters. */
export const overview = signal(/** @type {import('api-types').Answer_Overview | null} */ (null));
/** The present pipeline, where the API tells of it. */
export const pipeline = signal(/** @type {import('api-types').PipelineAnswer | null} */ (null));
/** Counts up when runs have taken a step. */
export const runsMoved = signal(0);
export const link = signal(/** @type {Link} */ ('connecting'));
/** Wall milliseconds at which the stream last said anything. */
export const heardAt = signal(0);

/** Redraws are at least so far apart, in ms, however fast the events come. */
const PACE = 500;
const EVENTS = ['reset', 'change', 'overview', 'runs', 'pipeline'];

/** @typedef {{name: string, id: string, data: string}} Message */

/** @type {Map<string, Message>} */
const waiting = new Map();
let timer = 0;
let last = 0;

/** @param {Message} message */
function take(message) {
  waiting.set(message.name, message);
  if (timer) return;
  timer = window.setTimeout(show, Math.max(0, last + PACE - performance.now()));
}

function show() {
  timer = 0;
  last = performance.now();
  const messages = [...waiting.values()];
  waiting.clear();
  batch(() => messages.forEach(apply));
}

/** @param {Message} message */
function apply({ name, id, data }) {
  const value = JSON.parse(data);
  heardAt.value = Date.now();
  link.value = 'live';
  const seen = Number(id.split(':')[1]);
  if (seen > tick.peek() || name === 'reset') tick.value = seen;
  if (name === 'runs' || name === 'reset') runsMoved.value += 1;
  if (name === 'pipeline') pipeline.value = value;
  else if (name === 'reset' && value.overview) {
    overview.value = value.overview;
    pipeline.value = value.pipeline ?? null;
  } else if (name !== 'runs') overview.value = value;
}

/** @param {(message: Message) => void} pass @param {(state: Link) => void} tell */
function listen(pass, tell) {
  const source = new EventSource('/v1/stream', { withCredentials: false });
  for (const name of EVENTS) {
    source.addEventListener(name, (event) => pass({ name, id: event.lastEventId, data: event.data }));
  }
  source.onopen = () => tell('live');
  source.onerror = () => {
    tell('offline');
    // A stream that was refused (429, 503, not signed in) is not tried again by the browser.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => restart?.(), 3000);
  };
  return source;
}

/** @type {(() => void) | null} */
let restart = null;

/** Connects for as long as this tab is visible. */
export function startLive() {
  const channel = new BroadcastChannel('eip.live');
  /** @type {Map<string, Message>} */
  const present = new Map();
  /** @type {EventSource | null} */
  let source = null;
  /** @type {AbortController | null} */
  let claim = null;

  channel.onmessage = ({ data }) => {
    if (data.ask && source) present.forEach((message) => channel.postMessage({ message }));
    else if (data.message && !document.hidden) take(data.message);
    else if (data.link && !document.hidden) link.value = data.link;
  };
  /** @param {Message} message */
  const pass = (message) => {
    if (message.name === 'reset') present.clear();
    present.set(message.name, message);
    channel.postMessage({ message });
    take(message);
  };
  /** @param {Link} state */
  const tell = (state) => {
    channel.postMessage({ link: state });
    link.value = state;
  };
  const open = () => {
    source = listen(pass, tell);
  };
  const connect = () => {
    const mine = new AbortController();
    claim = mine;
    link.value = 'connecting';
    channel.postMessage({ ask: true });
    if (!navigator.locks) return open();
    const until = new Promise((done) => mine.signal.addEventListener('abort', done));
    navigator.locks
      .request('eip.live', { signal: mine.signal }, () => {
        open();
        return until;
      })
      .catch(() => {}); // hidden before its turn came
  };
  const disconnect = () => {
    claim?.abort();
    source?.close();
    source = null;
    link.value = 'hidden';
  };
  restart = () => {
    disconnect();
    if (!document.hidden) connect();
  };
  document.addEventListener('visibilitychange', () => (document.hidden ? disconnect() : connect()));
  if (!document.hidden) connect();
}
