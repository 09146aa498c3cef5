// A text in which what stands between backticks is code.

import { html } from '../html.js';

/** @param {{of: string}} properties */
export const Text = ({ of }) => html`${of.split('`').map((part, i) => (i % 2 ? html`<code>${part}</code>` : part))}`;
