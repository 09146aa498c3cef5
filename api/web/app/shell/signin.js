// Signing in: a token becomes a cookie that no script reads.

import { useState } from 'preact/hooks';
import { Dialog } from '../parts/dialog.js';
import { Text } from '../parts/text.js';
import { html } from '../html.js';
import { signIn } from '../state/session.js';
import { t } from '../words/words.js';

/** @param {{onClose: () => void}} properties */
export function SignIn({ onClose }) {
  const [wrong, setWrong] = useState(/** @type {string | null} */ (null));
  const [busy, setBusy] = useState(false);
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    const field = /** @type {HTMLInputElement} */ (/** @type {HTMLFormElement} */ (event.target).elements.namedItem('token'));
    setBusy(true);
    try {
      setWrong(await signIn(field.value));
    } catch (error) {
      setWrong(String(error));
    }
    setBusy(false);
  };
  return html`<${Dialog} title=${t('session.signin')} onClose=${onClose}>
    <p class="soft"><${Text} of=${t('session.note')} /></p>
    <form class="stack" onSubmit=${submit}>
      <label class="field"><span>${t('session.token')}</span><input name="token" type="password" autocomplete="current-password" required autofocus /></label>
      ${wrong && html`<p class="banner bad" role="alert">${wrong}</p>`}
      <div class="row"><button class="button main-action" disabled=${busy}>${t('session.signin')}</button>
        <button class="button" type="button" onClick=${onClose}>${t('common.cancel')}</button></div>
    </form>
  </${Dialog}>`;
}
