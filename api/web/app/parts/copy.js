// Copying, and short words about what was done.

import { signal } from '@preact/signals';
import { html } from '../html.js';
import { t } from '../words/words.js';

const toasts = signal(/** @type {{id: number, text: string}[]} */ ([]));
let next = 0;

/** Shows a text for a few seconds. @param {string} text */
export function toast(text) {
  next += 1;
  const id = next;
  toasts.value = [...toasts.value, { id, text }];
  setTimeout(() => {
    toasts.value = toasts.value.filter((one) => one.id !== id);
  }, 4000);
}

/** @param {string} text */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(t('common.copied'));
  } catch {
    toast(t('common.copyfailed'));
  }
}

export const Toasts = () =>
  html`<div class="toasts" role="status" aria-live="polite">${toasts.value.map((one) => html`<div class="toast" key=${one.id}>${one.text}</div>`)}</div>`;
