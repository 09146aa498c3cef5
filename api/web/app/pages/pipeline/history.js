// The lag since this page was opened, as two lines.

import { useEffect, useRef } from 'preact/hooks';
import { Spark } from '../../charts/spark.js';
import { html } from '../../html.js';
import { t } from '../../words/words.js';

/** Points that are kept: ten minutes of one every two seconds. */
const KEPT = 300;

/** @param {{lag: {records: number, seconds: number | null}}} properties */
export function LagHistory({ lag }) {
  const kept = useRef(/** @type {{records: number, seconds: number | null}[]} */ ([]));
  useEffect(() => {
    kept.current.push({ records: lag.records, seconds: lag.seconds });
    if (kept.current.length > KEPT) kept.current.shift();
  }, [lag]);
  if (kept.current.length < 2) return null;
  return html`<div class="two-grid">
    <div><h3>${t('pipeline.records')}</h3><${Spark} values=${kept.current.map((one) => one.records)} /></div>
    <div><h3>${t('pipeline.seconds')}</h3><${Spark} values=${kept.current.map((one) => one.seconds)} tone="late" /></div>
  </div>`;
}
