// Ctrl-K: pages, orders, routes and commands by a few letters.

import { useMemo, useRef, useState } from 'preact/hooks';
import { Dialog } from '../parts/dialog.js';
import { html } from '../html.js';
import { address, navigate } from '../state/route.js';
import { language, theme, zone } from '../state/settings.js';
import { t } from '../words/words.js';
import { PAGES } from './navigation.js';
import { localZone } from './settings.js';

/** @typedef {{name: string, act: () => void}} Command */

/** What is always there. @returns {Command[]} */
const commands = () => [
  ...PAGES.map((page) => ({ name: t('palette.page', { page: t(page.title) }), act: () => navigate(page.path) })),
  { name: t('palette.correct'), act: () => navigate('/replays?form=window') },
  ...(/** @type {const} */ (['system', 'light', 'dark'])).map((value) => ({ name: t('palette.theme', { name: t(`settings.theme.${value}`) }), act: () => (theme.value = value) })),
  { name: t('palette.language', { name: 'English' }), act: () => (language.value = 'en') },
  { name: t('palette.language', { name: '한국어' }), act: () => (language.value = 'ko') },
  { name: t('palette.zone', { name: 'UTC' }), act: () => (zone.value = 'utc') },
  { name: t('palette.zone', { name: localZone() }), act: () => (zone.value = 'local') },
];

/** What a text may mean. @param {string} text @returns {Command[]} */
function meanings(text) {
  const found = /** @type {Command[]} */ ([]);
  const route = /^([a-z]{2})\s*[-→>]\s*([a-z]{2})$/i.exec(text);
  if (route) {
    const [seller, customer] = [route[1].toUpperCase(), route[2].toUpperCase()];
    found.push({ name: t('palette.route', { route: `${seller}-${customer}` }), act: () => navigate(address('/', { seller, customer })) });
  }
  if (/^[0-9a-f]{16}$/i.test(text)) found.push({ name: t('palette.run', { run: text }), act: () => navigate(`/replays/${text.toLowerCase()}`) });
  if (text.length >= 4 && !/\s/.test(text)) found.push({ name: t('palette.order', { id: text }), act: () => navigate(address('/shipments', { q: text })) });
  return found;
}

/** @param {{onClose: () => void}} properties */
export function Palette({ onClose }) {
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const list = useRef(/** @type {HTMLUListElement | null} */ (null));
  const all = useMemo(commands, [language.value]);
  const wanted = text.trim().toLowerCase();
  const found = [...all.filter((one) => one.name.toLowerCase().includes(wanted)), ...meanings(text.trim())];
  const at = Math.min(chosen, found.length - 1);
  /** @param {Command | undefined} command */
  const run = (command) => {
    if (!command) return;
    onClose();
    command.act();
  };
  /** @param {KeyboardEvent} event */
  const key = (event) => {
    if (event.key === 'Enter') run(found[at]);
    else if (event.key === 'ArrowDown') setChosen((at + 1) % Math.max(1, found.length));
    else if (event.key === 'ArrowUp') setChosen((at + found.length - 1) % Math.max(1, found.length));
    else return;
    event.preventDefault();
    requestAnimationFrame(() => list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' }));
  };
  return html`<${Dialog} title=${t('palette.title')} onClose=${onClose} bare=${true} name="palette">
    <input type="text" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant=${at >= 0 ? `palette-${at}` : undefined}
      aria-label=${t('palette.title')} placeholder=${t('palette.placeholder')} autofocus value=${text} onKeyDown=${key}
      onInput=${(/** @type {any} */ event) => { setText(event.target.value); setChosen(0); }} />
    <ul id="palette-list" role="listbox" aria-label=${t('palette.title')} ref=${list}>
      ${found.map((one, i) => html`<li id=${`palette-${i}`} role="option" aria-selected=${i === at} onClick=${() => run(one)} onMouseMove=${() => i !== at && setChosen(i)}>${one.name}</li>`)}
    </ul>
    ${found.length === 0 && html`<p class="dialog-body soft">${t('palette.none')}</p>`}
  </${Dialog}>`;
}
