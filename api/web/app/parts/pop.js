// A panel under a button: it closes with Escape, and with a click elsewhere.

import { useEffect, useRef, useState } from 'preact/hooks';
import { classes, html } from '../html.js';

/**
 * @param {{button: (state: {open: boolean, toggle: () => void}) => import('preact').ComponentChildren, children: import('preact').ComponentChildren, label: string, wide?: boolean}} properties
 */
export function Pop({ button, children, label, wide = false }) {
  const [open, setOpen] = useState(false);
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  useEffect(() => {
    if (!open) return undefined;
    /** @param {Event} event */
    const elsewhere = (event) => {
      if (!place.current?.contains(/** @type {Node} */ (event.target))) setOpen(false);
    };
    /** @param {KeyboardEvent} event */
    const escape = (event) => {
      if (event.key !== 'Escape') return;
      setOpen(false);
      place.current?.querySelector('button')?.focus();
    };
    document.addEventListener('pointerdown', elsewhere);
    document.addEventListener('keydown', escape);
    return () => {
      document.removeEventListener('pointerdown', elsewhere);
      document.removeEventListener('keydown', escape);
    };
  }, [open]);
  return html`<div class="pop" ref=${place}>
    ${button({ open, toggle: () => setOpen(!open) })}
    ${open && html`<div class=${classes('pop-body', wide && 'wide')} role="group" aria-label=${label}>${children}</div>`}
  </div>`;
}
