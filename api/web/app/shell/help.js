// The help: the keys, and the words that the pages use.

import { Dialog } from '../parts/dialog.js';
import { html } from '../html.js';
import { tour } from '../state/tour.js';
import { t } from '../words/words.js';
import { PAGES } from './navigation.js';

/** @param {{onClose: () => void}} properties */
export function Help({ onClose }) {
  const keys = /** @type {[string[], string][]} */ ([
    [['Ctrl', 'K'], t('help.palette')],
    [['/'], t('help.search')],
    [['?'], t('help.help')],
    [['t'], t('help.theme')],
    [['Esc'], t('help.close')],
    [['←', '→', '↑', '↓'], t('help.grid')],
    ...(tour.value ? [/** @type {[string[], string]} */ ([['n', 'b'], t('help.tour')])] : []),
    ...PAGES.map((page) => /** @type {[string[], string]} */ ([['g', page.key], t(page.title)])),
  ]);
  const words = /** @type {const} */ (['tick', 'now', 'risk', 'stalled', 'rehearsal', 'revert']);
  return html`<${Dialog} title=${t('help.open')} onClose=${onClose}>
    <h3>${t('help.title')}</h3>
    <table>
      <tbody>
        ${keys.map(([names, what]) => html`<tr><th scope="row">${names.map((name) => html`<kbd>${name}</kbd> `)}</th><td>${what}</td></tr>`)}
      </tbody>
    </table>
    <h3>${t('help.glossary')}</h3>
    <ul class="stack small">${words.map((word) => html`<li>${t(`help.glossary.${word}`)}</li>`)}</ul>
  </${Dialog}>`;
}
