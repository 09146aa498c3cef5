// A shipment's events on one scale of time, with the promise: where the time went, and what was too late.

import { useEffect, useRef, useState } from 'preact/hooks';
import { duration, eventMinute, seconds } from '../format/times.js';
import { classes, html } from '../html.js';
import { statusName, t } from '../words/words.js';

const [ROW, TOP, BOTTOM, NAMES] = [44, 30, 26, 116];
const TONES = /** @type {Record<string, string>} */ ({ DELIVERY_DELAYED: 'bad', DELIVERED: 'good' });

/** The width of an element, as it changes. @returns {[import('preact').RefObject<any>, number]} */
export function useWidth() {
  const place = useRef(/** @type {any} */ (null));
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  return [place, width];
}

/** Days at which the scale has a mark, at most so many. @param {number} from @param {number} to @param {number} most */
function marks(from, to, most) {
  const steps = [3600, 6 * 3600, 86_400, 2 * 86_400, 7 * 86_400, 14 * 86_400, 30 * 86_400, 90 * 86_400, 365 * 86_400];
  const step = steps.find((one) => (to - from) / one <= most) ?? steps[steps.length - 1];
  const all = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) all.push(at);
  return { all, isHours: step < 86_400 };
}

/**
 * @param {{events: {eventType: string, eventAt: string}[], deadline: string | null, until?: string | null, span?: [string, string] | null}} properties
 *   until: up to when an open shipment has lasted; span: what the scale holds at least
 */
export function Timeline({ events, deadline, until = null, span = null }) {
  const [place, width] = useWidth();
  const times = [...events.map((event) => event.eventAt), ...(deadline ? [deadline] : []), ...(until ? [until] : []), ...(span ?? [])].map(seconds);
  const [from, last] = [Math.min(...times), Math.max(...times)];
  const to = last > from ? last : from + 3600;
  const left = width < 480 ? 8 : NAMES;
  const right = width - 14;
  const x = (/** @type {number} */ at) => left + ((at - from) / (to - from)) * (right - left);
  const height = TOP + events.length * ROW + BOTTOM;
  const limit = deadline ? seconds(deadline) : null;
  const scale = marks(from, to, Math.max(2, Math.floor((right - left) / 90)));
  const isNarrow = left < NAMES;
  const label = events.map((event) => `${statusName(event.eventType)} ${event.eventAt}`).join(', ');
  return html`<div ref=${place}>${width > 0 &&
  html`<svg class="timeline" viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${label}>
    ${limit !== null && to > limit && html`<rect class="over" x=${x(limit)} y=${TOP - 4} width=${Math.max(0, x(to) - x(limit))} height=${events.length * ROW + 4} />`}
    ${scale.all.map((at) => {
      const day = new Date(at * 1000).toISOString();
      return html`<path class="base" d=${`M${x(at)} ${TOP - 4}V${height - BOTTOM}`} /><text x=${Math.min(Math.max(x(at), 34), width - 34)} y=${height - 8} text-anchor="middle">${scale.isHours ? day.slice(5, 16).replace('T', ' ') : day.slice(0, 10)}</text>`;
    })}
    ${limit !== null && html`<path class="promise" d=${`M${x(limit)} ${TOP - 8}V${height - BOTTOM}`} /><text class="promise-name" x=${Math.min(Math.max(x(limit), 60), width - 60)} y="14" text-anchor="middle">${t('shipment.promise')} ${eventMinute(deadline).replace(' 00:00', '')}</text>`}
    ${events.map((event, i) => {
      const at = seconds(event.eventAt);
      const before = i ? seconds(events[i - 1].eventAt) : at;
      const y = TOP + i * ROW + 30;
      const words = [isNarrow ? statusName(event.eventType) : '', eventMinute(event.eventAt), i ? `+${duration(at - before)}` : ''].filter(Boolean).join('  ');
      // Above its own line: whatever its length, it lies over no other.
      const isRight = x(at) > (left + right) / 2;
      return html`<g data-event=${event.eventType}>
        ${!isNarrow && html`<text class="name" x="0" y=${y + 4}>${statusName(event.eventType)}</text>`}
        <path class="span" d=${`M${x(before)} ${y}H${x(at)}`} /><circle class=${classes('dot', TONES[event.eventType])} cx=${x(at)} cy=${y} r="6" />
        <text class="when" x=${x(at) + (isRight ? 6 : -6)} y=${y - 12} text-anchor=${isRight ? 'end' : 'start'}>${words}</text>
      </g>`;
    })}
  </svg>`}</div>`;
}
