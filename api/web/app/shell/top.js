// The head of every page: its name, how fresh it is, the palette, help and settings.

import { Icon } from '../parts/icon.js';
import { html } from '../html.js';
import { t } from '../words/words.js';
import { Freshness } from './freshness.js';
import { opened } from './keys.js';
import { Settings } from './settings.js';

/** @param {{title: string}} properties */
export function Top({ title }) {
  return html`<header class="top">
    <h1>${title}</h1>
    <${Freshness} />
    <button class="button icon" type="button" aria-label=${t('help.palette')} title=${`${t('help.palette')} (Ctrl K)`} onClick=${() => (opened.value = 'palette')}><${Icon} name="search" /></button>
    <button class="button icon" type="button" aria-label=${t('help.open')} title=${`${t('help.open')} (?)`} onClick=${() => (opened.value = 'help')}><${Icon} name="help" /></button>
    <${Settings} />
  </header>`;
}
