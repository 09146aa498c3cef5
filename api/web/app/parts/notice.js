// The states in which there is nothing to show: loading, empty, refused, away, not allowed, not found.

import { html } from '../html.js';
import { signInNeeded, who } from '../state/session.js';
import { t } from '../words/words.js';

/** @typedef {import('../api/http.js').ApiError} ApiError */

/** @param {{children?: import('preact').ComponentChildren}} properties */
export const Empty = ({ children }) => html`<div class="notice"><strong>${children ?? t('state.empty')}</strong></div>`;

/** @param {{height?: number}} properties */
export const Loading = ({ height = 96 }) => html`<div class="loading" style=${{ minHeight: `${height}px` }} role="status" aria-label=${t('state.loading')}></div>`;

/** @param {ApiError} error */
function title(error) {
  switch (error.kind) {
    case 'forbidden':
      return t('state.forbidden');
    case 'sign_in':
      return t('session.needed');
    case 'missing':
      return error.field || /there is (nothing|no path)/.test(error.message) ? t('state.nothere') : t('state.missing');
    case 'away':
      return t('state.away');
    case 'offline':
      return t('state.offline');
    case 'busy':
      return t('state.busy');
    default:
      return t('state.error');
  }
}

/** @param {{error: ApiError, again?: () => void}} properties */
export function Failed({ error, again }) {
  const kind = error.kind;
  return html`<div class="notice" role="alert">
    <strong>${title(error)}</strong>
    <span>${kind === 'forbidden' ? `${t('state.forbidden.note')} ` : ''}${error.message}</span>
    ${error.requestId && html`<span class="small">${t('state.request', { id: error.requestId })}</span>`}
    ${(kind === 'sign_in' || (kind === 'forbidden' && who.value?.session === null)) &&
    html`<button class="button" type="button" onClick=${() => (signInNeeded.value = true)}>${t('session.signin')}</button>`}
    ${again && kind !== 'forbidden' && kind !== 'sign_in' && html`<button class="button" type="button" onClick=${again}>${t('state.again')}</button>`}
  </div>`;
}

/**
 * What a resource has, or why it has nothing. What was there before stays, faded while it is of another question.
 * @param {{of: import('../api/resource.js').Resource<any>, height?: number, children: (data: any) => import('preact').ComponentChildren}} properties
 */
export function Show({ of, height, children }) {
  if (of.error && (!of.data || of.isOld)) return html`<${Failed} error=${of.error} again=${of.again} />`;
  if (!of.data) return html`<${Loading} height=${height} />`;
  return html`<div class=${of.isOld ? 'old' : ''} aria-busy=${of.isOld}>${children(of.data)}</div>`;
}
