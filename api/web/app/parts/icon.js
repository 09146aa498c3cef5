// The icons, drawn here: lines of one width in the text's colour.

import { html } from '../html.js';

const PATHS = {
  overview: 'M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z',
  shipments: 'M3.5 8 12 3.5 20.5 8v8L12 20.5 3.5 16zM3.5 8 12 12.5 20.5 8M12 12.5v8',
  replays: 'M4 12a8 8 0 1 0 2.6-5.9M4 4v4.5h4.5M12 8v4.4l3 1.8',
  pipeline: 'M4 7h5a3 3 0 0 1 3 3v4a3 3 0 0 0 3 3h5M17 14l3 3-3 3M4 17h3M15 7h5',
  compare: 'M9 4v16M15 4v16M4 8h5M4 13h5M15 8h5M15 16h5',
  close: 'M6 6l12 12M18 6 6 18',
  help: 'M9.2 9.3a2.9 2.9 0 1 1 4.2 2.6c-.9.5-1.4 1-1.4 2.1M12 17.4v.2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4.5 4.5',
  play: 'M8 5.5v13l10.5-6.5z',
  pause: 'M8.5 5v14M15.5 5v14',
  table: 'M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9',
};

/** @param {{name: keyof typeof PATHS}} properties */
export const Icon = ({ name }) => html`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
