// A dialog of the browser's own: it keeps the focus inside, Escape closes it, and what was in focus before gets it back.

import { useEffect, useRef } from 'preact/hooks';
import { html } from '../html.js';
import { t } from '../words/words.js';
import { Icon } from './icon.js';

/**
 * @param {{title: string, onClose: () => void, children: import('preact').ComponentChildren, bare?: boolean, name?: string}} properties
 *   bare: without a head
 */
export function Dialog({ title, onClose, children, bare = false, name = '' }) {
  const place = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    place.current?.showModal();
  }, []);
  /** @param {MouseEvent} event */
  const outside = (event) => event.target === place.current && onClose();
  return html`<dialog ref=${place} class=${name} aria-label=${title} onClose=${onClose} onMouseDown=${outside}>
    ${!bare &&
    html`<div class="dialog-head">
      <h2>${title}</h2>
      <button class="button icon" type="button" aria-label=${t('common.close')} onClick=${onClose}><${Icon} name="close" /></button>
    </div>`}
    ${bare ? children : html`<div class="dialog-body">${children}</div>`}
  </dialog>`;
}
