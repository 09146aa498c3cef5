// Two spaces side by side: whether their views are equal, and where they are not.

import { useDiff, useSpaces } from '../api/answers.js';
import { Card } from '../parts/card.js';
import { Empty, Failed, Loading, Show } from '../parts/notice.js';
import { count } from '../format/numbers.js';
import { html } from '../html.js';
import { address, parameters, setParameters } from '../state/route.js';
import { t } from '../words/words.js';
import { Differences } from './compare/differences.js';

/** Between two questions while both sides are being read, in ms. */
const AGAIN = 2000;

/** @param {{name: 'a' | 'b', spaces: any[], value: string}} properties */
const Pick = ({ name, spaces, value }) => html`<label class="field"><span>${t(`compare.${name}`)}</span>
  <select value=${value} onChange=${(/** @type {any} */ event) => setParameters({ [name]: event.target.value })}><option value="" selected=${!value}>–</option>${spaces.map((one) => html`<option value=${one.space} selected=${one.space === value}>${one.space}</option>`)}</select></label>`;

/** @param {{spaces: any[]}} properties */
function Spaces({ spaces }) {
  const views = [...new Set(spaces.flatMap((one) => Object.keys(one.views?.counts ?? {})))].sort();
  return html`<${Card} title=${t('compare.spaces')}><div class="scroll"><table>
    <thead><tr><th scope="col">${t('compare.space')}</th>${views.map((view) => html`<th scope="col" class="number mono">${view}</th>`)}<th scope="col" class="number">${t('fresh.tick')}</th></tr></thead>
    <tbody>${spaces.map((one) => html`<tr data-space=${one.space}><th scope="row">${one.space}</th>${one.views
      ? html`${views.map((view) => html`<td class="number">${count(one.views.counts[view] ?? null)}</td>`)}<td class="number mono">${one.views.visible_tick ?? one.views.stats_tick}</td>`
      : html`<td colspan=${views.length + 1} class="soft">${one.why ?? '–'}</td>`}</tr>`)}</tbody>
  </table></div></${Card}>`;
}

export function Page() {
  const [a, b] = [parameters.value.get('a') ?? '', parameters.value.get('b') ?? ''];
  const spaces = useSpaces('/v1/spaces', { live: false, every: 5000 });
  const isAsked = !!a && !!b && a !== b;
  const diff = useDiff(isAsked ? address('/v1/diff', { a, b, limit: 1000 }) : null, { live: false, every: isAsked ? AGAIN : 0 });
  if (!spaces.data) return spaces.error ? html`<${Failed} error=${spaces.error} again=${spaces.again} />` : html`<${Loading} height=${300} />`;
  const all = spaces.data.spaces;
  return html`<div class="stack">
    <section class="card"><div class="form-grid"><${Pick} name="a" spaces=${all} value=${a} /><${Pick} name="b" spaces=${all} value=${b} /></div></section>
    ${!isAsked
      ? html`<${Empty}>${t('compare.pick')}</${Empty}>`
      : html`<${Show} of=${diff} height=${300}>${(/** @type {any} */ data) => (data.state === 'reading' ? html`<p class="banner" role="status">${t('compare.waiting')}</p>` : html`<${Differences} of=${data} a=${a} b=${b} />`)}</${Show}>`}
    <${Spaces} spaces=${all} />
  </div>`;
}
