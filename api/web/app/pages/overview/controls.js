// Which days and which route the overview looks at.

import { Choice } from '../../parts/card.js';
import { dayLater } from '../../format/times.js';
import { html } from '../../html.js';
import { setParameters } from '../../state/route.js';
import { t } from '../../words/words.js';
import { choose } from './chosen.js';

/** @param {{side: 'seller' | 'customer', region: string}} properties */
function Chip({ side, region }) {
  const name = t(`overview.filter.${side}`, { region });
  return html`<span class="chip">${name}<button type="button" aria-label=${t('overview.filter.remove', { name })} onClick=${() => choose({ [side]: region })}>×</button></span>`;
}

/** @param {{range: import('../../state/range.js').Range, route: import('./query.js').Route}} properties */
export function Controls({ range, route }) {
  const options = /** @type {[string, string][]} */ ([['30', t('overview.range.30')], ['90', t('overview.range.90')], ['365', t('overview.range.365')], ['all', t('overview.range.all')]]);
  const last = dayLater(range.end, -1);
  /** @param {string} start @param {string} end the last day */
  const own = (start, end) => {
    if (start && end && start <= end) setParameters({ range: null, start, end: dayLater(end, 1) });
  };
  return html`<div class="row controls">
    <${Choice} label=${t('overview.range')} options=${options} value=${range.name} onChoose=${(/** @type {string} */ name) => setParameters({ range: name, start: null, end: null })} />
    <span class="row nowrap">
      <input type="date" aria-label=${t('overview.range.from')} value=${range.start} max=${last} onChange=${(/** @type {any} */ event) => own(event.target.value, last)} />
      <span aria-hidden="true">–</span>
      <input type="date" aria-label=${t('overview.range.to')} value=${last} min=${range.start} onChange=${(/** @type {any} */ event) => own(range.start, event.target.value)} />
    </span>
    ${route.seller && html`<${Chip} side="seller" region=${route.seller} />`}
    ${route.customer && html`<${Chip} side="customer" region=${route.customer} />`}
  </div>`;
}
