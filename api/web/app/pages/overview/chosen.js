// Which route the overview looks at.

import { parameters, setParameters } from '../../state/route.js';

/** The regions that are looked at; empty for all. */
export function chosenRoute() {
  return { seller: parameters.value.get('seller') ?? '', customer: parameters.value.get('customer') ?? '' };
}

/** Chooses regions; what is chosen already is let go. @param {{seller?: string, customer?: string}} wanted */
export function choose(wanted) {
  const now = chosenRoute();
  const same = Object.entries(wanted).every(([side, region]) => now[/** @type {'seller' | 'customer'} */ (side)] === region);
  setParameters(same ? Object.fromEntries(Object.keys(wanted).map((side) => [side, null])) : wanted);
}
