// Map and matrix: where deliveries are late or go, over the whole range or a step of it that can be played.

import { useState } from 'preact/hooks';
import { useMatrix } from '../../api/answers.js';
import { Legend } from '../../charts/legend.js';
import { BrazilMap } from '../../charts/map.js';
import { Matrix } from '../../charts/matrix.js';
import { FEW, rate, volume } from '../../charts/scales.js';
import { Card, Choice } from '../../parts/card.js';
import { Show } from '../../parts/notice.js';
import { count, percent } from '../../format/numbers.js';
import { duration } from '../../format/times.js';
import { html } from '../../html.js';
import { parameters, setParameters } from '../../state/route.js';
import { t } from '../../words/words.js';
import { choose } from './chosen.js';
import { ask } from './query.js';
import { Scrubber, steps } from './scrubber.js';

/** @typedef {import('../../charts/scales.js').Figures} Figures */

const CELL_COLUMNS = /** @type {const} */ (['overview.map.by.late', 'overview.map.by.volume', 'overview.tile.late', 'overview.matrix.lead', 'overview.matrix.median']);

/** Sums of the cells by a side, or by route. @param {any[]} cells @param {(cell: any) => string} by @returns {Map<string, Figures>} */
function sums(cells, by) {
  const all = /** @type {Map<string, Figures>} */ (new Map());
  for (const cell of cells) {
    const sum = all.get(by(cell)) ?? { delivered: 0, late: 0 };
    sum.delivered += cell.delivered;
    sum.late += cell.delivered_late;
    all.set(by(cell), sum);
  }
  return all;
}

/** @param {Map<string, Figures>} figures */
const greatestOf = (figures) => Math.max(1, ...[...figures.values()].map((one) => one.delivered));

/** @param {{figures: Map<string, Figures>, name: string}} properties */
const FiguresTable = ({ figures, name }) => html`<div class="scroll tall" tabindex="0"><table>
  <thead><tr><th scope="col">${name}</th><th scope="col" class="number">${t('overview.map.by.late')}</th><th scope="col" class="number">${t('overview.map.by.volume')}</th></tr></thead>
  <tbody>${[...figures].sort((a, b) => b[1].delivered - a[1].delivered).map(([key, one]) => html`<tr data-region=${key}><th scope="row">${key}</th><td class="number">${rate(one)}</td><td class="number">${volume(one)}</td></tr>`)}</tbody>
</table></div>`;

/** What a hatched colour means, where one is seen. @param {{figures: Map<string, Figures>}} properties */
const Few = ({ figures }) => [...figures.values()].some((one) => one.delivered > 0 && one.delivered < FEW) && html`<ul class="legend"><li><i class="late-3 few"></i>${t('overview.map.few', { n: count(FEW) })}</li></ul>`;

/** The cells of the matrix, the greatest volume first. @param {{cells: import('api-types').MatrixCell[]}} properties */
const CellsTable = ({ cells }) => html`<div class="scroll tall" tabindex="0"><table>
  <thead><tr><th scope="col">${t('common.route')}</th>${CELL_COLUMNS.map((name) => html`<th scope="col" class="number">${t(name)}</th>`)}</tr></thead>
  <tbody>${cells.toSorted((a, b) => b.delivered - a.delivered).map((cell) => html`<tr data-route=${`${cell.seller_region}-${cell.customer_region}`}><th scope="row">${`${cell.seller_region}-${cell.customer_region}`}</th>
    ${[percent(cell.late_basis_points), count(cell.delivered), count(cell.delivered_late), duration(cell.lead_seconds_average), duration(cell.lead_seconds_p50)].map((text) => html`<td class="number">${text}</td>`)}</tr>`)}</tbody>
</table></div>`;

/** @param {{range: import('../../state/range.js').Range, route: import('./query.js').Route}} properties */
export function RoutesCards({ range, route }) {
  const [asTable, setAsTable] = useState(false);
  const [cellsAsTable, setCellsAsTable] = useState(false);
  const measure = parameters.value.get('measure') === 'volume' ? 'volume' : 'late';
  const side = parameters.value.get('side') === 'seller' ? 'seller' : 'customer';
  const all = steps(range);
  const step = Math.min(Number(parameters.value.get('step')) || 0, all.length);
  const days = step ? all[step - 1] : range;
  const matrix = useMatrix(ask('/v1/routes/matrix', days, { seller: '', customer: '' }));
  const whole = useMatrix(ask('/v1/routes/matrix', range, { seller: '', customer: '' }));
  const other = side === 'seller' ? route.customer : route.seller;
  const otherSide = side === 'seller' ? 'customer_region' : 'seller_region';
  const own = `${side}_region`;
  const ofMap = (/** @type {any[]} */ cells) => sums(cells.filter((cell) => !other || cell[otherSide] === other), (cell) => cell[own]);
  const regions = (/** @type {'seller_region' | 'customer_region'} */ name) => [...new Set((whole.data?.cells ?? []).filter((cell) => cell.delivered > 0).map((cell) => cell[name]))].sort();
  const measures = /** @type {[string, string][]} */ ([['late', t('overview.map.by.late')], ['volume', t('overview.map.by.volume')]]);
  const sides = /** @type {[string, string][]} */ ([['customer', t('overview.map.side.customer')], ['seller', t('overview.map.side.seller')]]);
  const scrubber = html`<${Scrubber} steps=${all} step=${step} range=${range} />`;
  const tableButton = (/** @type {boolean} */ on, /** @type {(on: boolean) => void} */ set) => html`<button class="button" type="button" aria-pressed=${on} onClick=${() => set(!on)}>${t('common.table')}</button>`;
  return html`<${Card} name="area-map" title=${t(measure === 'late' ? 'overview.map' : 'overview.map.volume')} actions=${tableButton(asTable, setAsTable)}>
      <div class="row map-controls">
        <${Choice} label=${t('overview.map.measure')} options=${measures} value=${measure} onChoose=${(/** @type {string} */ value) => setParameters({ measure: value === 'late' ? null : value }, { replace: true })} />
        <${Choice} label=${t('overview.map.side')} options=${sides} value=${side} onChoose=${(/** @type {string} */ value) => setParameters({ side: value === 'customer' ? null : value }, { replace: true })} />
      </div>
      <${Show} of=${matrix} height=${380}>${(/** @type {any} */ { cells }) => {
        const figures = ofMap(cells);
        if (asTable) return html`<${FiguresTable} figures=${figures} name=${t(`common.${side}`)} />`;
        const greatest = greatestOf(whole.data && measure === 'volume' && !step ? ofMap(whole.data.cells) : figures);
        return html`<${BrazilMap} figures=${figures} measure=${measure} greatest=${greatest} chosen=${route[side]} label=${t('overview.map')} onChoose=${(/** @type {string} */ code) => choose({ [side]: code })} />
          <div class="row spread chart-foot"><${Legend} measure=${measure} greatest=${greatest} />${measure === 'late' && html`<${Few} figures=${figures} />`}</div>`;
      }}</${Show}>
      ${scrubber}
    </${Card}>
    <${Card} name="area-matrix" title=${t('overview.matrix')} note=${t('overview.matrix.note')} actions=${tableButton(cellsAsTable, setCellsAsTable)}>
      <${Show} of=${matrix} height=${480}>${(/** @type {any} */ { cells }) => {
        const figures = sums(cells, (cell) => `${cell.seller_region}-${cell.customer_region}`);
        if (cellsAsTable) return html`<${CellsTable} cells=${cells} />`;
        return html`<${Matrix} sellers=${regions('seller_region')} customers=${regions('customer_region')} cells=${figures} measure=${measure} greatest=${greatestOf(figures)} seller=${route.seller} customer=${route.customer}
          onChoose=${(/** @type {string} */ seller, /** @type {string} */ customer) => choose({ seller, customer })} />
          <div class="row spread chart-foot"><${Legend} measure=${measure} greatest=${greatestOf(figures)} />${measure === 'late' && html`<${Few} figures=${figures} />`}</div>`;
      }}</${Show}>
    </${Card}>`;
}
