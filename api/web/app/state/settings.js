// What a person has chosen for this browser: language, colours, and the zone of wall times. Kept in localStorage.

import { computed, effect, signal } from '@preact/signals';

/** @typedef {'en' | 'ko'} Language */
/** @typedef {'system' | 'light' | 'dark'} Theme */
/** @typedef {'utc' | 'local'} Zone */

const usual = navigator.language.startsWith('ko') ? 'ko' : 'en';

export const language = signal(/** @type {Language} */ (usual));
export const theme = signal(/** @type {Theme} */ ('system'));
/** Of wall times only: event times are shown as recorded. */
export const zone = signal(/** @type {Zone} */ ('utc'));

const dark = window.matchMedia('(prefers-color-scheme: dark)');
const isSystemDark = signal(dark.matches);
/** Whether the page is dark now, by choice or as the system is. */
export const isDark = computed(() => (theme.value === 'system' ? isSystemDark.value : theme.value === 'dark'));

const kept = /** @type {const} */ ([
  ['language', language, ['en', 'ko']],
  ['theme', theme, ['system', 'light', 'dark']],
  ['zone', zone, ['utc', 'local']],
]);

/** Reads what was chosen before, and keeps what is chosen from here on. */
export function startSettings() {
  for (const [name, setting, values] of kept) {
    const key = `eip.${name}`;
    const before = read(key);
    if (before && /** @type {readonly string[]} */ (values).includes(before)) {
      /** @type {{value: string}} */ (setting).value = before;
    }
    let first = true;
    effect(() => {
      const { value } = setting;
      if (!first) write(key, value);
      first = false;
    });
  }
  dark.addEventListener('change', () => (isSystemDark.value = dark.matches));
  effect(() => {
    document.documentElement.lang = language.value;
    document.documentElement.dataset.theme = theme.value;
  });
}

/** @param {string} key */
function read(key) {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null; // a browser that keeps nothing
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
function write(key, value) {
  try {
    window.localStorage.setItem(key, value);
  } catch {
    // It is chosen for as long as the page is open.
  }
}
