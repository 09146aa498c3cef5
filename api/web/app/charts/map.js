// The states of Brazil, coloured by a figure of each.

import { useEffect, useState } from 'preact/hooks';
import { classes, html } from '../html.js';
import { t } from '../words/words.js';
import { chooses } from './grid.js';
import { COLOURS, FEW, colour, rate, volume } from './scales.js';
import { hideTip, showTip } from './tip.js';

/** @typedef {import('./scales.js').Figures} Figures */
/** @typedef {{width: number, height: number, states: {code: string, centre: [number, number], path: string}[]}} Shapes */

/** States too small for their code. */
const WITHOUT_CODE = new Set(['DF', 'SE', 'AL', 'PB', 'RN', 'ES', 'RJ', 'PE']);

/** @type {Promise<Shapes> | null} */
let loading = null;

function useShapes() {
  const [shapes, setShapes] = useState(/** @type {Shapes | null} */ (null));
  useEffect(() => {
    loading ??= fetch(new URL('../../map/brazil.json', import.meta.url)).then((answer) => answer.json());
    loading.then(setShapes, () => (loading = null));
  }, []);
  return shapes;
}

/**
 * @param {{figures: Map<string, Figures>, measure: import('./scales.js').Measure, greatest: number, chosen: string, onChoose: (code: string) => void, label: string, describe?: (code: string) => string[], paint?: (code: string) => string}} properties
 */
export function BrazilMap({ figures, measure, greatest, chosen, onChoose, label, describe, paint }) {
  const shapes = useShapes();
  const [focus, setFocus] = useState(chosen || 'SP');
  if (!shapes) return html`<div class="map-space"></div>`;
  const codes = shapes.states.map((state) => state.code);
  const lines = describe ?? ((code) => [code, `${t('overview.map.by.late')}: ${rate(figures.get(code))}`, `${t('overview.map.by.volume')}: ${volume(figures.get(code))}`]);
  /** @param {KeyboardEvent} event @param {string} code */
  const key = (event, code) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (chooses(event)) onChoose(code);
    else if (step) {
      const next = codes[(codes.indexOf(code) + step + codes.length) % codes.length];
      setFocus(next);
      const target = /** @type {Element} */ (event.currentTarget).parentElement?.querySelector(`[data-code="${next}"]`);
      /** @type {SVGElement | null | undefined} */ (/** @type {any} */ (target))?.focus();
    } else return;
    event.preventDefault();
  };
  /** @param {string} code */
  const look = (code) => {
    const own = figures.get(code);
    return classes(paint ? paint(code) : colour(measure, own, greatest), !paint && measure === 'late' && own && own.delivered < FEW && 'few');
  };
  // What is chosen comes last, so that its outline lies over its neighbours.
  const order = [...shapes.states].sort((a, b) => Number(a.code === chosen) - Number(b.code === chosen));
  return html`<svg class="map" viewBox=${`-20 -20 ${shapes.width + 40} ${shapes.height + 40}`} role="group" aria-label=${label} onMouseLeave=${hideTip}>
    ${!paint && html`<defs>${Array.from({ length: COLOURS }, (_, i) => html`<pattern id=${`few-${i}`} width="36" height="36" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="ground" width="36" height="36" /><rect class=${`late-${i}`} width="12" height="36" /></pattern>`)}</defs>`}
    <g>${order.map((state) => {
      const name = classes('state', look(state.code), state.code === chosen && 'chosen');
      return html`<path key=${state.code} d=${state.path} class=${name} data-code=${state.code} role="button" aria-pressed=${state.code === chosen} aria-label=${lines(state.code).join(', ')}
        tabindex=${state.code === focus ? 0 : -1} onClick=${() => onChoose(state.code)} onKeyDown=${(/** @type {KeyboardEvent} */ event) => key(event, state.code)}
        onMouseMove=${(/** @type {MouseEvent} */ event) => showTip(event, lines(state.code))} onFocus=${(/** @type {Event} */ event) => showTip(event, lines(state.code))} onBlur=${hideTip} />`;
    })}</g>
    <g class="map-codes" aria-hidden="true">${shapes.states.filter((state) => !WITHOUT_CODE.has(state.code)).map((state) => html`<text class=${look(state.code)} x=${state.centre[0]} y=${state.centre[1]}>${state.code}</text>`)}</g>
  </svg>`;
}
