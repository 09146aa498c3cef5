// The guided tour of `eip demo`: where it stands. An address with `tour=2018-03` begins it, with the month that is to be
// corrected; the session keeps the step, so that a reload and a link of the page do.

import { effect, signal } from '@preact/signals';
import { isDay } from '../format/times.js';
import { pageItem, pageName, parameters, setParameters } from './route.js';

/** @typedef {1 | 2 | 3 | 4 | 5} Step */
/** @typedef {{month: string, step: Step, run: string}} Tour run: the first one that was opened, once one was */

/** How many steps there are. */
export const STEPS = 5;
/** The step that begins a correction, and those that its rehearsal and its run are looked at in. */
const [CORRECT, REHEARSED, APPLIED] = /** @type {const} */ ([3, 4, 5]);
const KEY = 'eip.tour';

/** Null where no tour is taken. */
export const tour = signal(/** @type {Tour | null} */ (null));

/** @param {unknown} value @returns {Tour | null} */
function checked(value) {
  const { month, step, run } = /** @type {any} */ (value ?? {});
  const isStep = Number.isInteger(step) && step >= 1 && step <= STEPS;
  return isStep && isDay(`${month}-01`) ? { month, step, run: String(run ?? '') } : null;
}

/** @returns {Tour | null} */
function kept() {
  try {
    return checked(JSON.parse(window.sessionStorage.getItem(KEY) ?? 'null'));
  } catch {
    return null; // nothing is kept, or something else is
  }
}

/** @param {Tour | null} now */
function keep(now) {
  try {
    if (now) window.sessionStorage.setItem(KEY, JSON.stringify(now));
    else window.sessionStorage.removeItem(KEY);
  } catch {
    // It lasts for as long as the page is open.
  }
}

/** @param {number} step */
export function goTo(step) {
  tour.value = checked({ ...tour.value, step }) ?? tour.value;
}

/** Ends the tour; its address begins it again. */
export const endTour = () => (tour.value = null);

/** A run that is opened is the next step's: first the rehearsal, then what it became. */
function followRuns() {
  const run = pageName.value === 'replays' ? pageItem.value : '';
  const now = tour.peek();
  if (!run || !now || run === now.run) return;
  if (now.step === CORRECT) tour.value = { ...now, step: REHEARSED, run };
  else if (now.step === REHEARSED) tour.value = now.run ? { ...now, step: APPLIED } : { ...now, run };
}

/** Begins what the address asks for, or goes on where a reload broke off. Called once the address is read. */
export function startTour() {
  const month = parameters.value.get('tour');
  tour.value = checked({ month, step: 1 }) ?? kept();
  if (month !== null) setParameters({ tour: null }, { replace: true });
  effect(() => keep(tour.value));
  effect(followRuns);
}
