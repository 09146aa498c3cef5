// A part of a page under a heading, and the pieces that stand in it.

import { useId } from 'preact/hooks';
import { html } from '../html.js';

/**
 * @param {{title: string, note?: string, actions?: import('preact').ComponentChildren, children: import('preact').ComponentChildren, name?: string}} properties
 */
export function Card({ title, note, actions, children, name = '' }) {
  const id = useId();
  return html`<section class=${`card ${name}`} aria-labelledby=${id}>
    <div class="card-head"><h2 id=${id}>${title}</h2>${actions}</div>
    ${note && html`<p class="card-note">${note}</p>`}
    ${children}
  </section>`;
}

/**
 * One of several, as buttons side by side.
 * @param {{label: string, options: [string, string][], value: string, onChoose: (value: string) => void}} properties
 */
export function Choice({ label, options, value, onChoose }) {
  return html`<div class="choice" role="group" aria-label=${label}>
    ${options.map(
      ([option, name]) => html`<button type="button" aria-pressed=${option === value} onClick=${() => onChoose(option)}>${name}</button>`,
    )}
  </div>`;
}

/**
 * Names and what they have, below one another or, as a strip, side by side.
 * @param {{of: ([string, import('preact').ComponentChildren] | null | false)[], strip?: boolean}} properties
 */
export const Facts = ({ of, strip = false }) =>
  html`<dl class=${strip ? 'card strip' : 'facts'}>${of.filter((one) => !!one).map((one) => html`<div><dt>${/** @type {any} */ (one)[0]}</dt><dd>${/** @type {any} */ (one)[1]}</dd></div>`)}</dl>`;
