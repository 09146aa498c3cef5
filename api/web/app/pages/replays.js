import { html } from '../html.js'; export const Page = () => html`<p>…</p>`;
