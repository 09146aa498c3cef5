// Shipments: a search, filters with counts and the table; with an order in the address, that shipment.

import { html } from '../html.js';
import { pageItem } from '../state/route.js';
import { Shipment } from './shipment.js';
import { Filters } from './shipments/filters.js';
import { List } from './shipments/list.js';
import { Search } from './shipments/search.js';
import { Tip } from '../charts/tip.js';

export function Page() {
  if (pageItem.value) return html`<${Shipment} id=${pageItem.value} key=${pageItem.value} /><${Tip} />`;
  return html`<div class="stack">
    <${Search} />
    <div class="list-grid"><${Filters} /><${List} /></div>
  </div>`;
}
