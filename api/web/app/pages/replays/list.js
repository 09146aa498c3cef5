// All runs as a table, the latest first.

import { useState } from 'preact/hooks';
import { Card } from '../../parts/card.js';
import { Empty } from '../../parts/notice.js';
import { RunState, hasEnded } from '../../parts/status.js';
import { count } from '../../format/numbers.js';
import { duration, wallTime } from '../../format/times.js';
import { html } from '../../html.js';
import { kindName, t } from '../../words/words.js';
import { daysOf, runAddress, writtenBy } from './words.js';

const FIRST = 20;

/** @typedef {import('ingest-types').RunAnswer} RunAnswer */

/** @param {{run: RunAnswer}} properties */
const Row = ({ run }) => html`<tr class="link" data-run=${run.run} data-state=${run.state}>
  <th scope="row"><a class="mono" href=${runAddress(run)}>${run.run}</a></th>
  <td class="nowrap">${kindName(run.kind)}</td><td><${RunState} of=${run.state} /></td><td class="nowrap">${daysOf(run)}</td><td>${run.rules ?? '–'}</td>
  <td class="number">${count(writtenBy(run))}</td><td class="nowrap">${wallTime(run.requested_at_ms)}</td><td class="number">${hasEnded(run.state) ? duration((run.at_ms - run.requested_at_ms) / 1000) : '–'}</td>
  <td>${run.requester ?? '–'}</td><td>${run.reason ?? '–'}</td></tr>`;

/** @param {{runs: RunAnswer[]}} properties */
export function RunList({ runs }) {
  const [most, setMost] = useState(FIRST);
  const shown = runs.toReversed().slice(0, most);
  return html`<${Card} title=${t('replays.timeline.list')}>
    ${runs.length === 0
      ? html`<${Empty}>${t('replays.runs.none')}</${Empty}>`
      : html`<div class="scroll"><table class="run-list">
        <thead><tr><th scope="col">${t('replays.run')}</th><th scope="col">${t('replays.kind')}</th><th scope="col">${t('replays.state')}</th><th scope="col">${t('replays.days')}</th><th scope="col">${t('replays.rules')}</th><th scope="col" class="number">${t('replays.written')}</th><th scope="col">${t('replays.when')}</th><th scope="col" class="number">${t('replays.took')}</th><th scope="col">${t('replays.who')}</th><th scope="col">${t('replays.reason')}</th></tr></thead>
        <tbody>${shown.map((run) => html`<${Row} run=${run} key=${run.run} />`)}</tbody>
      </table></div>
      ${runs.length > most && html`<div class="row more"><button class="button" type="button" onClick=${() => setMost(most + FIRST)}>${t('shipments.more')}</button></div>`}`}
  </${Card}>`;
}
