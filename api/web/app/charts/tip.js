// The words beside the pointer or the focus, one for the whole page.

import { signal } from '@preact/signals';
import { html } from '../html.js';

const shown = signal(/** @type {{x: number, y: number, lines: string[]} | null} */ (null));

/** Shows lines beside an element or the pointer. @param {Event} event @param {string[]} lines */
export function showTip(event, lines) {
  if (event instanceof MouseEvent && event.type.startsWith('mouse')) {
    shown.value = { x: event.clientX, y: event.clientY, lines };
    return;
  }
  const box = /** @type {Element} */ (event.target).getBoundingClientRect();
  shown.value = { x: box.x + box.width / 2, y: box.y + box.height / 2, lines };
}

export const hideTip = () => {
  if (shown.peek()) shown.value = null;
};

export function Tip() {
  const tip = shown.value;
  if (!tip) return null;
  const right = tip.x > window.innerWidth - 340;
  const style = { top: `${Math.min(tip.y + 14, window.innerHeight - 40 - 20 * tip.lines.length)}px`, ...(right ? { right: `${window.innerWidth - tip.x + 12}px` } : { left: `${tip.x + 14}px` }) };
  return html`<div class="tip" role="tooltip" style=${style}>${tip.lines.map((line, i) => (i ? html`<div>${line}</div>` : html`<strong>${line}</strong>`))}</div>`;
}
