// Marks: a dot with a shape of its own, and the word.

import { html } from '../html.js';
import { named, stateName, statusName } from '../words/words.js';

/** @type {Record<string, string>} */
const OF_STATUS = { DELIVERED: 'good', DELIVERY_DELAYED: 'bad', HANDED_TO_CARRIER: 'busy' };
/** @type {Record<string, string>} */
const OF_STATE = { committed: 'good', rehearsed: 'warn', running: 'busy', requested: 'busy', planned: 'busy', paused: 'warn', failed: 'bad', interrupted: 'bad', cancelled: '' };
/** @type {Record<string, string>} */
const OF_SINK = { ok: 'good', blocked: 'bad', away: 'bad' };

/** @param {{of: string}} properties */
export const Status = ({ of }) => html`<span class=${`mark ${OF_STATUS[of] ?? ''}`}>${statusName(of)}</span>`;

/** @param {{of: string}} properties */
export const RunState = ({ of }) => html`<span class=${`mark ${OF_STATE[of] ?? ''}`}>${stateName(of)}</span>`;

/** @param {{of: string}} properties */
export const SinkState = ({ of }) => html`<span class=${`mark ${OF_SINK[of] ?? ''}`}>${named('sink', of)}</span>`;

/** Whether a run has ended. @param {string} state */
export const hasEnded = (state) => ['committed', 'rehearsed', 'cancelled', 'failed', 'interrupted'].includes(state);
