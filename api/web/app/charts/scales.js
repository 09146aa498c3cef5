// Which of seven colours a figure has. The steps of late rates are fixed, so that two pictures can be compared.

import { count, percent, points, short } from '../format/numbers.js';

/** Late rates in basis points, the lower ends of the second to the seventh colour. */
const LATE = [200, 400, 600, 900, 1300, 2000];
/** Shares of the greatest volume. */
const VOLUME = [0.002, 0.01, 0.03, 0.08, 0.2, 0.5];

/** Colours of a scale. */
export const COLOURS = LATE.length + 1;

/** Changes of a late rate in basis points, that or more to either side: the better ones first, none in the middle. */
const CHANGES = [-300, -100, -1, 0, 1, 100, 300];

/** Fewer deliveries than this say little about a rate. */
export const FEW = 10;

/** @typedef {'late' | 'volume'} Measure */
/** @typedef {{delivered: number, late: number}} Figures */

/**
 * The class of a figure's colour: `late-3`, or empty where there is nothing to show.
 * @param {Measure} measure @param {Figures | undefined} figures @param {number} greatest of the volumes
 */
export function colour(measure, figures, greatest) {
  if (!figures || !figures.delivered) return '';
  const value = measure === 'late' ? (figures.late * 10_000) / figures.delivered : figures.delivered;
  const steps = measure === 'late' ? LATE : VOLUME.map((share) => share * greatest);
  return `${measure}-${steps.filter((step) => value >= step).length}`;
}

/** The legend: each colour with the figure at which it begins. @param {Measure} measure @param {number} greatest */
export function legend(measure, greatest) {
  const steps = measure === 'late' ? LATE.map((step) => percent(step).replace(/[.,]0/, '')) : VOLUME.map((share) => short(Math.ceil(share * greatest)));
  return ['0', ...steps].map((from, i) => ({ name: `${measure}-${i}`, from }));
}

/** A figure in words. @param {Figures | undefined} figures */
export const rate = (figures) => (figures?.delivered ? percent(Math.floor((figures.late * 10_000) / figures.delivered)) : percent(null));

/** @param {Figures | undefined} figures */
export const volume = (figures) => count(figures?.delivered ?? 0);

/** The class of a change's colour: `change-0` (much better) to `change-6` (much worse), or empty. @param {number | null} change in basis points */
export function colourOfChange(change) {
  if (change === null) return '';
  const place = change < 0 ? CHANGES.findIndex((step) => change <= step) : CHANGES.findLastIndex((step) => change >= step);
  return `change-${place}`;
}

/** The legend of changes, in points of a percentage. */
export const legendOfChanges = () => CHANGES.map((step, i) => ({ name: `change-${i}`, from: Math.abs(step) > 1 ? `${step < 0 ? '≤' : '≥'} ${points(step)}` : ['< 0', '0', '> 0'][step + 1] }));
