// The search field, and many ids at once.

import { useEffect, useState } from 'preact/hooks';
import { Icon } from '../../parts/icon.js';
import { html } from '../../html.js';
import { SEARCH } from '../../parts/search-field.js';
import { parameters, setParameters } from '../../state/route.js';
import { t } from '../../words/words.js';
import { Many, ids } from './many.js';

export function Search() {
  const asked = parameters.value.get('q') ?? '';
  const [text, setText] = useState(asked);
  const [many, setMany] = useState(/** @type {string | null} */ (null));
  useEffect(() => setText(asked), [asked]);
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    setParameters({ q: text.trim(), cursor: null });
  };
  /** Several ids in the clipboard are looked up, not searched for. @param {ClipboardEvent} event */
  const paste = (event) => {
    const pasted = event.clipboardData?.getData('text') ?? '';
    if (ids(pasted).length < 2) return;
    event.preventDefault();
    setMany(pasted);
  };
  return html`<form class="row search" role="search" onSubmit=${submit}>
      <span class="search-field"><${Icon} name="search" />
        <input id=${SEARCH} type="search" aria-label=${t('shipments.search.label')} placeholder=${t('shipments.search')} value=${text} autocomplete="off" spellcheck=${false}
          onInput=${(/** @type {any} */ event) => setText(event.target.value)} onSearch=${(/** @type {any} */ event) => event.target.value || setParameters({ q: null })} onPaste=${paste} /><kbd aria-hidden="true">/</kbd></span>
      <button class="button main-action">${t('shipments.search.label')}</button>
      <button class="button" type="button" onClick=${() => setMany('')}>${t('shipments.many')}</button>
    </form>
    ${many !== null && html`<${Many} first=${many} onClose=${() => setMany(null)} />`}`;
}
