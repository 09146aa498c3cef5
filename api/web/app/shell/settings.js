// The choices of a person: language, colours, zone of wall times; who is signed in.

import { Choice } from '../parts/card.js';
import { Icon } from '../parts/icon.js';
import { Pop } from '../parts/pop.js';
import { html } from '../html.js';
import { signOut, who } from '../state/session.js';
import { language, theme, zone } from '../state/settings.js';
import { t } from '../words/words.js';

export const localZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

function Person() {
  const person = who.value;
  // Where the API has no tokens, everybody may do everything and nobody signs in.
  if (!person?.name) return null;
  return html`<div class="row spread">
    <span>${t('session.as', { name: person.name, role: person.role })}</span>
    ${person.session && html`<button class="button" type="button" onClick=${signOut}>${t('session.signout')}</button>`}
  </div>`;
}

export function Settings() {
  const themes = /** @type {[string, string][]} */ ([['system', t('settings.theme.system')], ['light', t('settings.theme.light')], ['dark', t('settings.theme.dark')]]);
  const zones = /** @type {[string, string][]} */ ([['utc', t('settings.zone.utc')], ['local', t('settings.zone.local', { zone: localZone() })]]);
  /** @param {{open: boolean, toggle: () => void}} state */
  const button = ({ open, toggle }) => html`<button class="button icon" type="button" aria-label=${t('settings.open')} aria-expanded=${open} onClick=${toggle}><${Icon} name="settings" /></button>`;
  return html`<${Pop} label=${t('settings.open')} button=${button} wide=${true}>
    <div class="stack">
      <div class="field"><span>${t('settings.language')}</span>
        <${Choice} label=${t('settings.language')} options=${[['en', 'English'], ['ko', '한국어']]} value=${language.value} onChoose=${(/** @type {any} */ value) => (language.value = value)} /></div>
      <div class="field"><span>${t('settings.theme')}</span>
        <${Choice} label=${t('settings.theme')} options=${themes} value=${theme.value} onChoose=${(/** @type {any} */ value) => (theme.value = value)} /></div>
      <div class="field"><span>${t('settings.zone')}</span>
        <${Choice} label=${t('settings.zone')} options=${zones} value=${zone.value} onChoose=${(/** @type {any} */ value) => (zone.value = value)} />
        <span>${t('settings.zone.note')}</span></div>
      <${Person} />
    </div>
  </${Pop}>`;
}
