// Who the page speaks for: the roles of the API's `/v1/session`, and signing in and out with a token.

import { computed, signal } from '@preact/signals';

/** @typedef {'read' | 'replay' | 'approve' | 'admin'} Role */
/** @typedef {{name: string | null, role: Role, session: {csrf: string, ends_in: number} | null}} Identity */

const ORDER = /** @type {Role[]} */ (['read', 'replay', 'approve', 'admin']);

/** Null before it is known, and where the API has no sign-in. */
export const who = signal(/** @type {Identity | null} */ (null));
/** Whether the API asks for a token that this page does not have. */
export const signInNeeded = signal(false);
/** What every write sends; empty where there is no session. */
export const csrf = computed(() => who.value?.session?.csrf ?? '');

/**
 * Whether the person may do what needs a role; as long as that is not known the API decides.
 * @param {Role} role
 */
export const may = (role) => !who.value || ORDER.indexOf(who.value.role) >= ORDER.indexOf(role);

/** Asks the API who this is. */
export async function startSession() {
  try {
    const response = await fetch('/v1/session', { credentials: 'same-origin' });
    if (response.ok) who.value = await response.json();
    signInNeeded.value = response.status === 401;
  } catch {
    // The freshness badge says that the API does not answer.
  }
}

/**
 * Signs in with a token. Returns what is wrong, or null.
 * @param {string} token
 */
export async function signIn(token) {
  const headers = { authorization: `Bearer ${token.trim()}` };
  const response = await fetch('/v1/session', { method: 'POST', headers, credentials: 'same-origin' });
  if (response.ok) {
    who.value = await response.json();
    signInNeeded.value = false;
    return null;
  }
  const problem = await response.json().catch(() => ({}));
  return String(problem.detail ?? `HTTP ${response.status}`);
}

/** Ends the session. */
export async function signOut() {
  const headers = { 'x-csrf-token': csrf.value };
  await fetch('/v1/session', { method: 'DELETE', headers, credentials: 'same-origin' });
  who.value = null;
  await startSession();
}
