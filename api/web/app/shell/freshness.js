// How fresh the page is: whether the stream is connected, whether the views are behind the log, what it is as of.

import { computed, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Facts } from '../parts/card.js';
import { Pop } from '../parts/pop.js';
import { count } from '../format/numbers.js';
import { duration, eventTime, wallTime } from '../format/times.js';
import { html } from '../html.js';
import { heardAt, link, overview, pipeline, tick } from '../state/live.js';
import { t } from '../words/words.js';

/** From so many seconds of lag on the page says that it is behind. */
const BEHIND_S = 5;

const clock = signal(Date.now());

/** The lag of the views in seconds, as far as it is known; 0 when they hold all of the log. */
const lagSeconds = computed(() => {
  const lag = pipeline.value?.lag;
  if (!lag || !lag.records) return 0;
  // The pipeline's figure grows with the clock until something new is heard.
  return (lag.seconds ?? 0) + Math.max(0, (clock.value - heardAt.value) / 1000 - 2);
});

/** @returns {'live' | 'connecting' | 'offline' | 'hidden' | 'behind' | 'blocked'} */
function state() {
  if (link.value !== 'live') return link.value;
  const blocked = pipeline.value?.sinks?.some((/** @type {{state: string}} */ sink) => sink.state !== 'ok');
  if (blocked) return 'blocked';
  return lagSeconds.value > BEHIND_S ? 'behind' : 'live';
}

const fresh = computed(state);

/** @type {Record<string, string>} */
const LOOKS = { live: 'live', behind: 'behind', blocked: 'offline', offline: 'offline' };

function Details() {
  const asOf = overview.value?.as_of;
  const lag = pipeline.value?.lag;
  const records = lag?.records ? t('fresh.records', { n: count(lag.records), age: duration(lagSeconds.value) }) : t('fresh.none');
  return html`<h2>${t('fresh.title')}</h2><${Facts} of=${[
    [t('fresh.now'), eventTime(asOf?.data_now)],
    [t('fresh.wall'), wallTime(clock.value)],
    [t('fresh.tick'), html`<span class="mono">${tick.value || '–'}</span>`],
    [t('fresh.lag'), lag ? records : t('fresh.unknown')],
    [t('fresh.heard'), heardAt.value ? duration(Math.max(0, Math.round((clock.value - heardAt.value) / 1000))) : '–'],
  ]} />`;
}

export function Freshness() {
  useEffect(() => {
    const timer = setInterval(() => (clock.value = Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const now = fresh.value;
  /** @param {{open: boolean, toggle: () => void}} given */
  const button = ({ open, toggle }) =>
    html`<button class=${`badge ${LOOKS[now] ?? ''}`} data-state=${now} type="button" aria-expanded=${open} onClick=${toggle}>${t(`fresh.${now}`)}</button>`;
  return html`<${Pop} label=${t('fresh.title')} button=${button} wide=${true}><${Details} /></${Pop}>`;
}

/** One line over the page while it shows an old picture. */
export function StaleBanner() {
  if (fresh.value === 'behind') return html`<p class="banner" role="status">${t('fresh.stale', { age: duration(Math.round(lagSeconds.value)) })}</p>`;
  if (fresh.value === 'offline' && heardAt.value) return html`<p class="banner bad" role="status">${t('fresh.lost', { time: wallTime(heardAt.value) })}</p>`;
  return null;
}
