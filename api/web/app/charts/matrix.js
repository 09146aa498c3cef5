// Every route at once: a row a seller's region, a column a customer's, coloured by a figure.

import { useState } from 'preact/hooks';
import { classes, html } from '../html.js';
import { t } from '../words/words.js';
import { chooses, moved } from './grid.js';
import { FEW, colour, rate, volume } from './scales.js';
import { hideTip, showTip } from './tip.js';

/** @typedef {import('./scales.js').Figures} Figures */

/**
 * @param {{sellers: string[], customers: string[], cells: Map<string, Figures>, measure: import('./scales.js').Measure, greatest: number, seller: string, customer: string, onChoose: (seller: string, customer: string) => void}} properties
 *   cells: by `SP-RJ`
 */
export function Matrix({ sellers, customers, cells, measure, greatest, seller, customer, onChoose }) {
  const [[row, column], setPlace] = useState(/** @type {[number, number]} */ ([0, 0]));
  const lines = (/** @type {string} */ route) => [route, `${t('overview.map.by.late')}: ${rate(cells.get(route))}`, `${t('overview.map.by.volume')}: ${volume(cells.get(route))}`];
  /** @param {KeyboardEvent} event */
  const key = (event) => {
    const next = moved(event, row, column, sellers.length, customers.length);
    if (chooses(event)) onChoose(sellers[row], customers[column]);
    else if (next) {
      setPlace(next);
      const table = /** @type {HTMLTableElement} */ (event.currentTarget);
      /** @type {HTMLElement} */ (table.tBodies[0].rows[next[0]].cells[next[1] + 1]).focus();
    } else return;
    event.preventDefault();
  };
  /** @param {Event} event */
  const over = (event) => {
    const cell = /** @type {Element} */ (event.target).closest('td');
    if (cell?.dataset.route) showTip(event, lines(cell.dataset.route));
    else hideTip();
  };
  /** @param {MouseEvent} event */
  const click = (event) => {
    const route = /** @type {Element} */ (event.target).closest('td')?.dataset.route?.split('-');
    if (route) onChoose(route[0], route[1]);
  };
  return html`<div class="scroll"><table class="matrix" role="grid" aria-label=${t('overview.matrix')} onKeyDown=${key} onMouseMove=${over} onMouseLeave=${hideTip} onFocusIn=${over} onFocusOut=${hideTip} onClick=${click}>
    <thead><tr><th scope="col"><span class="unseen">${t('common.seller')}</span></th>${customers.map((to) => html`<th scope="col" class=${to === customer ? 'chosen' : ''}>${to}</th>`)}</tr></thead>
    <tbody>${sellers.map(
      (from, y) => html`<tr><th scope="row" class=${from === seller ? 'chosen' : ''}>${from}</th>${customers.map((to, x) => {
        const route = `${from}-${to}`;
        const own = cells.get(route);
        const name = classes(colour(measure, own, greatest), measure === 'late' && own && own.delivered < FEW && 'few', from === seller && to === customer && 'chosen');
        return html`<td class=${name} data-route=${route} tabindex=${y === row && x === column ? 0 : -1} aria-label=${lines(route).join(', ')} onFocus=${() => setPlace([y, x])}></td>`;
      })}</tr>`,
    )}</tbody>
  </table></div>`;
}
