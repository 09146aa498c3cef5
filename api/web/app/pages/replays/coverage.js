// Which run has each day, and the colours of what days are made from: the same rules on the same data are one colour.

/** Colours that are told apart by people who are colour-blind (Okabe and Ito). */
const COLOURS = 6;

/** @typedef {import('api-types').CoveredDays} Stretch */

/** @param {Stretch} stretch */
const made = (stretch) => `${stretch.rules_sha256}|${stretch.data_sha256 ?? JSON.stringify(stretch.files)}`;

/** What days are made from, each with its colour, in the order of the runs. @param {Stretch[]} coverage */
export function groups(coverage) {
  const all = /** @type {Map<string, {name: string, rules: string, dataset: string}>} */ (new Map());
  for (const one of [...coverage].sort((a, b) => a.committed_at_ms - b.committed_at_ms)) {
    if (!all.has(made(one))) all.set(made(one), { name: `group-${all.size % COLOURS}`, rules: one.rules ?? '–', dataset: one.dataset ?? '–' });
  }
  return all;
}

/** @param {Stretch[]} coverage @param {string} day */
export const stretchOf = (coverage, day) => coverage.find((one) => (!one.start || one.start <= day) && (!one.end || day < one.end));

/** @param {ReturnType<typeof groups>} all @param {Stretch} stretch */
export const groupOf = (all, stretch) => all.get(made(stretch));
