// The start of the page: language and colours, then the shell with the page that the address names.

import { render } from 'preact';
import { html } from './html.js';
import { App } from './shell/app.js';
import { startLive } from './state/live.js';
import { startRoute } from './state/route.js';
import { startSession } from './state/session.js';
import { startSettings } from './state/settings.js';
import { startTour } from './state/tour.js';

startSettings();
startRoute();
startTour();
const place = /** @type {HTMLElement} */ (document.getElementById('app'));
place.replaceChildren();
render(html`<${App} />`, place);
startSession();
startLive();
