// The pages and the way between them.

import { Icon } from '../parts/icon.js';
import { html } from '../html.js';
import { pageName } from '../state/route.js';
import { t } from '../words/words.js';

/** @typedef {{name: string, path: string, title: import('../words/words.js').Key, key: string, load: () => Promise<any>}} PageEntry */

/** `key` is what follows `g` on the keyboard. @type {PageEntry[]} */
export const PAGES = [
  { name: 'overview', path: '/', title: 'nav.overview', key: 'o', load: () => import('../pages/overview.js') },
  { name: 'shipments', path: '/shipments', title: 'nav.shipments', key: 's', load: () => import('../pages/shipments.js') },
  { name: 'replays', path: '/replays', title: 'nav.replays', key: 'r', load: () => import('../pages/replays.js') },
  { name: 'pipeline', path: '/pipeline', title: 'nav.pipeline', key: 'p', load: () => import('../pages/pipeline.js') },
  { name: 'compare', path: '/compare', title: 'nav.compare', key: 'c', load: () => import('../pages/compare.js') },
];

export function Navigation() {
  const icon = new URL('../../icon.svg', import.meta.url).href;
  return html`<nav class="nav" aria-label=${t('nav.label')}><div class="nav-inner">
    <a class="brand" href="/"><img src=${icon} alt="" />${t('app.name')}</a>
    ${PAGES.map(
      (page) => html`<a class="nav-link" href=${page.path} aria-current=${page.name === pageName.value ? 'page' : undefined}>
        <${Icon} name=${page.name} />${t(page.title)}
      </a>`,
    )}
  </div></nav>`;
}
