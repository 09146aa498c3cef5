// The guided tour of `eip demo`: a bar along the lower edge that says what to do, and a ring around where to do it.

import { useEffect } from 'preact/hooks';
import { Icon } from '../parts/icon.js';
import { useSpotlight } from '../parts/spotlight.js';
import { html } from '../html.js';
import { navigate, pageItem, pageName } from '../state/route.js';
import { STEPS, endTour, goTo, tour } from '../state/tour.js';
import { t } from '../words/words.js';

/** @typedef {{page: string, path: (month: string) => string, marks: string[]}} Place marks: what it points at, what counts most first */

/** Where each step is. @type {Place[]} */
const PLACES = [
  { page: 'overview', path: () => '/', marks: ['.area-days', '.tiles'] },
  { page: 'shipments', path: () => '/shipments', marks: ['.why .card-head', '.search-field'] },
  { page: 'replays', path: (month) => `/replays?year=${month.slice(0, 4)}`, marks: ['.calendar'] },
  { page: 'replays', path: () => '/replays', marks: ['.approve', '.run-list'] },
  { page: 'replays', path: () => '/replays', marks: ['.approve', '.ended', '.run-list'] },
];
/** From this step on, a run that is open is what the step is about. */
const OF_A_RUN = 4;

/** Goes so many steps on, or back, to the step's page. @param {number} many */
export function moveTour(many) {
  const step = (tour.value?.step ?? 0) + many;
  const place = PLACES[step - 1];
  if (!tour.value || !place) return;
  goTo(step);
  const isThere = place.page === pageName.value && (step >= OF_A_RUN || !pageItem.value);
  if (!isThere) navigate(place.path(tour.value.month));
}

/** @param {{month: string, step: import('../state/tour.js').Step}} properties */
function Bar({ month, step }) {
  useSpotlight(PLACES[step - 1].marks);
  useEffect(() => {
    document.documentElement.classList.add('toured');
    return () => document.documentElement.classList.remove('toured');
  }, []);
  const isLast = step === STEPS;
  /** @param {KeyboardEvent} event */
  const escape = (event) => event.key === 'Escape' && endTour();
  return html`<section class="tour" aria-label=${t('tour.label')} data-step=${step} onKeyDown=${escape}>
    <div class="tour-text" aria-live="polite">
      <h2><span class="soft">${t('tour.step', { n: step, m: STEPS })}</span>${t(`tour.title.${step}`)}</h2>
      <p>${t(`tour.text.${step}`, { month })}</p>
    </div>
    <div class="row">
      <button class="button" type="button" title="b" disabled=${step === 1} onClick=${() => moveTour(-1)}>${t('tour.back')}</button>
      <button class="button main-action" type="button" title="n" onClick=${() => (isLast ? endTour() : moveTour(1))}>${t(isLast ? 'tour.done' : 'tour.next')}</button>
      <button class="button icon" type="button" aria-label=${t('tour.end')} title=${t('tour.end')} onClick=${endTour}><${Icon} name="close" /></button>
    </div>
  </section>`;
}

export function Tour() {
  const now = tour.value;
  return now && html`<${Bar} month=${now.month} step=${now.step} />`;
}
