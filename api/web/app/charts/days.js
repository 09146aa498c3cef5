// Deliveries by day as columns, the late ones in them, and the on-time rate of the last seven days as a line. Dragging
// over days chooses a range.

import { useEffect, useRef } from 'preact/hooks';
import { count, percent, short } from '../format/numbers.js';
import { DAY } from '../format/times.js';
import { html } from '../html.js';
import { isDark, language } from '../state/settings.js';
import { t } from '../words/words.js';
import { colours, loadPlot } from './uplot.js';

/** @typedef {{day: string, delivered: number, late: number, rate: number | null}} DayFigures */

/** Beside a longer card it is higher. */
const height = () => (window.matchMedia('(min-width: 1560px)').matches ? 400 : 270);
const FONT = '11px system-ui, sans-serif';

/** @param {any} Plot @param {HTMLElement} place @param {any[]} data @param {(start: string, end: string) => void} onRange */
function draw(Plot, place, data, onRange) {
  const [soft, line, blue, vermilion, green] = colours(['text-soft', 'line', 'blue', 'vermilion', 'green']);
  const bars = Plot.paths.bars({ size: [0.75, 40], align: 1 });
  const axis = { stroke: soft, font: FONT, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  const date = new Intl.DateTimeFormat(language.value, { day: 'numeric', month: 'short', year: '2-digit', timeZone: 'UTC' });
  const number = (/** @type {any} */ _, /** @type {number | null} */ many) => count(many);
  const day = (/** @type {number} */ at) => new Date(Math.round(at / DAY) * DAY * 1000).toISOString().slice(0, 10);
  return new Plot(
    {
      width: place.clientWidth,
      height: height(),
      tzDate: (/** @type {number} */ at) => Plot.tzDate(new Date(at * 1000), 'UTC'),
      legend: { live: true },
      cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false } },
      // The line lies above the columns where its range allows that.
      scales: { x: { time: true }, y: { range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ high) => [0, Math.max(5, high * 1.4)] }, rate: { range: (/** @type {any} */ _, /** @type {number} */ low) => [Math.max(0, 1 - 3 * (1 - Math.min(0.9, low ?? 0))), 1.01] } },
      axes: [
        { ...axis, grid: { show: false }, space: 80, size: 28, values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map((value) => date.format(value * 1000)) },
        { ...axis, size: 46, values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map(short) },
        { ...axis, side: 1, scale: 'rate', size: 46, grid: { show: false }, values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map((value) => percent(Math.round(value * 10_000)).replace(/[.,]0/, '')) },
      ],
      series: [
        { label: t('common.day'), value: (/** @type {any} */ _, /** @type {number | null} */ at) => (at === null ? '–' : day(at)) },
        { label: t('overview.chart.delivered'), fill: blue, stroke: blue, width: 0, paths: bars, points: { show: false }, value: number },
        { label: t('overview.chart.late'), fill: vermilion, stroke: vermilion, width: 0, paths: bars, points: { show: false }, value: number },
        { label: t('overview.chart.rate'), scale: 'rate', stroke: green, width: 2, points: { show: false }, value: (/** @type {any} */ _, /** @type {number | null} */ at) => (at === null ? '–' : percent(Math.round(at * 10_000))) },
      ],
      hooks: {
        setSelect: [
          (/** @type {any} */ plot) => {
            const { left, width } = plot.select;
            if (width < 3) return;
            const [from, to] = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')];
            onRange(day(Math.floor(from / DAY) * DAY), day((Math.floor(to / DAY) + 1) * DAY));
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    },
    data,
    place,
  );
}

/** @param {{days: DayFigures[], onRange: (start: string, end: string) => void}} properties onRange: the first day and the one after the last */
export function DaysChart({ days, onRange }) {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const plot = useRef(/** @type {any} */ (null));
  const choose = useRef(onRange);
  choose.current = onRange;
  const data = [days.map((one) => Date.parse(one.day) / 1000), days.map((one) => one.delivered), days.map((one) => one.late), days.map((one) => one.rate)];
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    const here = /** @type {HTMLDivElement} */ (place.current);
    let gone = false;
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: here.clientWidth, height: height() }));
    loadPlot().then((Plot) => {
      if (gone) return;
      plot.current = draw(Plot, here, latest.current, (start, end) => choose.current(start, end));
      resized.observe(here);
    });
    return () => {
      gone = true;
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [isDark.value, language.value]);
  useEffect(() => plot.current?.setData(data), [JSON.stringify(data)]);
  return html`<div class="plot" ref=${place} role="img" aria-label=${t('overview.chart')}></div>`;
}
