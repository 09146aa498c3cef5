// The keyboard, outside of fields: `?` help, Ctrl-K palette, `/` search, `g` and a letter for a page, `t` colours,
// and `n` and `b` for the steps of a tour.

import { signal } from '@preact/signals';
import { navigate } from '../state/route.js';
import { isDark, theme } from '../state/settings.js';
import { tour } from '../state/tour.js';
import { SEARCH } from '../parts/search-field.js';
import { PAGES } from './navigation.js';
import { moveTour } from './tour.js';

/** What lies over the page. */
export const opened = signal(/** @type {'help' | 'palette' | null} */ (null));

let afterG = false;

/** @param {EventTarget | null} target */
const writes = (target) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Goes to the search for shipments. */
export function search() {
  const field = document.getElementById(SEARCH);
  if (field) return field.focus();
  navigate('/shipments');
  // The field is there once the page's module is.
  const observer = new MutationObserver(() => {
    const late = document.getElementById(SEARCH);
    if (late) {
      late.focus();
      observer.disconnect();
    }
  });
  observer.observe(document.body, { childList: true, subtree: true });
  return undefined;
}

export function toggleTheme() {
  theme.value = isDark.value ? 'light' : 'dark';
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    opened.value = opened.value === 'palette' ? null : 'palette';
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || writes(event.target) || document.querySelector('dialog[open]')) return;
  const page = afterG && PAGES.find((one) => one.key === event.key);
  afterG = event.key === 'g';
  if (page) navigate(page.path);
  else if (event.key === '?') opened.value = 'help';
  else if (event.key === 't') toggleTheme();
  else if (event.key === '/') search();
  else if (event.key === 'n' && tour.value) moveTour(1);
  else if (event.key === 'b' && tour.value) moveTour(-1);
  else return;
  event.preventDefault();
}

/** Listens; returns how to stop. */
export function startKeys() {
  document.addEventListener('keydown', pressed);
  return () => document.removeEventListener('keydown', pressed);
}
