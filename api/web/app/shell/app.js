// The page as a whole: navigation, head, the page that the address names, and what may lie over it.

import { useEffect, useState } from 'preact/hooks';
import { Toasts } from '../parts/copy.js';
import { Failed, Loading } from '../parts/notice.js';
import { ApiError } from '../api/http.js';
import { html } from '../html.js';
import { pageName } from '../state/route.js';
import { signInNeeded } from '../state/session.js';
import { t } from '../words/words.js';
import { StaleBanner } from './freshness.js';
import { Help } from './help.js';
import { opened, startKeys } from './keys.js';
import { PAGES, Navigation } from './navigation.js';
import { Palette } from './palette.js';
import { SignIn } from './signin.js';
import { Top } from './top.js';
import { Tour } from './tour.js';

/** Loads a page's module once it is wanted. @param {string} name */
function usePage(name) {
  const [page, setPage] = useState(/** @type {{name: string, Page: any} | null} */ (null));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const [count, setCount] = useState(0);
  useEffect(() => {
    const load = PAGES.find((one) => one.name === name)?.load;
    setError(null);
    load?.().then(
      (module) => setPage({ name, Page: module.Page }),
      (reason) => setError(new ApiError('offline', String(reason))),
    );
  }, [name, count]);
  return { Page: page?.name === name ? page.Page : null, error, again: () => setCount((n) => n + 1) };
}

function Content() {
  const name = pageName.value;
  const { Page, error, again } = usePage(name);
  if (!PAGES.some((one) => one.name === name)) {
    return html`<div class="notice"><strong>${t('page.missing')}</strong><a href="/">${t('page.home')}</a></div>`;
  }
  if (error) return html`<${Failed} error=${error} again=${again} />`;
  return Page ? html`<${Page} />` : html`<${Loading} height=${300} />`;
}

export function App() {
  useEffect(startKeys, []);
  const title = PAGES.find((one) => one.name === pageName.value)?.title;
  useEffect(() => {
    document.title = title ? t('app.title', { page: t(title) }) : t('app.name');
  });
  const close = () => (opened.value = null);
  return html`<div class="shell">
    <a class="skip" href="#content">${t('app.skip')}</a>
    <${Navigation} />
    <div class="main">
      <${Top} title=${title ? t(title) : t('app.name')} />
      <main id="content" tabindex="-1"><${StaleBanner} /><${Content} /></main>
      <${Tour} />
    </div>
    ${opened.value === 'help' && html`<${Help} onClose=${close} />`}
    ${opened.value === 'palette' && html`<${Palette} onClose=${close} />`}
    ${signInNeeded.value && html`<${SignIn} onClose=${() => (signInNeeded.value = false)} />`}
    <${Toasts} />
  </div>`;
}
