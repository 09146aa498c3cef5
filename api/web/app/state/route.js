// The address of the page: which page, and all of its state as parameters, so that a link shows another person the same.

import { batch, computed, signal } from '@preact/signals';

/** The path, `/shipments/abc`. */
export const path = signal('/');
/** What is behind the question mark. */
export const parameters = signal(new URLSearchParams());

/** The first part of the path: which page. */
export const pageName = computed(() => path.value.split('/')[1] || 'overview');
/** The second part, decoded; empty where there is none. */
export const pageItem = computed(() => {
  const part = path.value.split('/').slice(2).join('/');
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
});

function read() {
  batch(() => {
    path.value = window.location.pathname;
    parameters.value = new URLSearchParams(window.location.search);
  });
}

/**
 * Goes to another address.
 * @param {string} to
 * @param {{replace?: boolean}} [how] replace: without an entry of its own in the history
 */
export function navigate(to, { replace = false } = {}) {
  const before = window.location.pathname;
  window.history[replace ? 'replaceState' : 'pushState'](null, '', to);
  read();
  if (window.location.pathname !== before) window.scrollTo(0, 0);
}

/**
 * Changes some parameters of the present page; null or empty takes one away.
 * @param {Record<string, string | null | undefined>} changes
 * @param {{replace?: boolean}} [how]
 */
export function setParameters(changes, how) {
  navigate(withParameters(changes), how);
}

/**
 * The address of the present page with some parameters changed.
 * @param {Record<string, string | null | undefined>} changes
 */
export function withParameters(changes) {
  const next = new URLSearchParams(parameters.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  return address(path.value, next);
}

/**
 * A path with parameters.
 * @param {string} to
 * @param {URLSearchParams | Record<string, string | number | null | undefined>} [given]
 */
export function address(to, given = {}) {
  const search = new URLSearchParams();
  const pairs = given instanceof URLSearchParams ? [...given] : Object.entries(given);
  for (const [name, value] of pairs) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
  }
  // Colons and commas may stay as they are, which keeps an address readable.
  const text = search.toString().replaceAll('%3A', ':').replaceAll('%2C', ',');
  return text ? `${to}?${text}` : to;
}

/**
 * Whether a click on a link is one that the page itself follows.
 * @param {MouseEvent} event
 * @param {HTMLAnchorElement} link
 */
function isOurs(event, link) {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const inside = link.origin === window.location.origin && !/^\/(v1|assets|docs|openapi|metrics)/.test(link.pathname);
  return plain && inside && !link.target && !link.hasAttribute('download') && !event.defaultPrevented;
}

/** Reads the address, and follows links and the back button from here on. */
export function startRoute() {
  read();
  window.addEventListener('popstate', read);
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!(link instanceof HTMLAnchorElement) || !link.getAttribute('href') || !isOurs(event, link)) return;
    if (link.getAttribute('href')?.startsWith('#')) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}
