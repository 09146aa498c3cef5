// Where the late rate changes: the states of the customers or the sellers, coloured by the difference, and as a table.

import { useState } from 'preact/hooks';
import { ChangeLegend } from '../../charts/legend.js';
import { BrazilMap } from '../../charts/map.js';
import { colourOfChange } from '../../charts/scales.js';
import { Card, Choice } from '../../parts/card.js';
import { count, percent, points } from '../../format/numbers.js';
import { html } from '../../html.js';
import { t } from '../../words/words.js';
import { Cells, Head, lateChange, lateRate } from './figures.js';

/** @typedef {import('ingest-types').RouteComparison['by_seller']['listed'][number]} RegionCompared */

/** @param {{of: import('ingest-types').RouteComparison}} properties */
export function FiguresMap({ of }) {
  const [side, setSide] = useState('customer');
  const [asTable, setAsTable] = useState(false);
  const regions = (side === 'seller' ? of.by_seller : of.by_customer).listed;
  const known = new Map(regions.map((one) => [one.region, one]));
  const change = (/** @type {RegionCompared} */ one) => lateChange(one.before, one.after);
  /** @param {string} code */
  const describe = (code) => {
    const one = known.get(code);
    if (!one) return [code, t('run.figures.same')];
    const difference = change(one);
    return [code, `${t('overview.map.by.late')}: ${percent(lateRate(one.before))} → ${percent(lateRate(one.after))}`, `${t('run.figures.points')}: ${difference === null ? '–' : points(difference)}`, `${t('overview.map.by.volume')}: ${count(one.before.delivered)} → ${count(one.after.delivered)}`];
  };
  const paint = (/** @type {string} */ code) => {
    const one = known.get(code);
    return one ? colourOfChange(change(one)) : '';
  };
  const sides = /** @type {[string, string][]} */ ([['customer', t('overview.map.side.customer')], ['seller', t('overview.map.side.seller')]]);
  const button = html`<button class="button" type="button" aria-pressed=${asTable} onClick=${() => setAsTable(!asTable)}>${t('common.table')}</button>`;
  return html`<${Card} title=${t('run.map')} name="area-map-changes" actions=${button}>
    <div class="row map-controls"><${Choice} label=${t('overview.map.side')} options=${sides} value=${side} onChoose=${setSide} /></div>
    ${asTable
      ? html`<div class="scroll tall" tabindex="0"><table data-figures="region"><${Head} name=${t(side === 'seller' ? 'common.seller' : 'common.customer')} />
        <tbody>${regions.map((one) => html`<tr data-line=${one.region}><th scope="row">${one.region}</th><${Cells} before=${one.before} after=${one.after} /></tr>`)}</tbody></table></div>`
      : html`<${BrazilMap} figures=${new Map()} measure="late" greatest=${1} chosen="" label=${t('run.map')} onChoose=${() => {}} describe=${describe} paint=${paint} /><${ChangeLegend} />`}
  </${Card}>`;
}
