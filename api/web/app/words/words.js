// The page's words in the chosen language. Both dictionaries have the same keys, which the type check enforces.

import { language } from '../state/settings.js';
import { en } from './en.js';
import { ko } from './ko.js';

/** @typedef {keyof typeof en} Key */

const dictionaries = { en, ko };

/**
 * A text, with `{name}` replaced by its value.
 * @param {Key} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values) {
  const text = dictionaries[language.value][key];
  if (!values) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** The name of an event type or status. @param {string} type */
export const statusName = (type) => (`status.${type}` in en ? t(/** @type {Key} */ (`status.${type}`)) : type);

/** The name of a kind of run. @param {string} kind */
export const kindName = (kind) => (`kind.${kind}` in en ? t(/** @type {Key} */ (`kind.${kind}`)) : kind);

/** The name of a run's state. @param {string} state */
export const stateName = (state) => (`state.${state}` in en ? t(/** @type {Key} */ (`state.${state}`)) : state);

/** A name that is in a dictionary only for some values. @param {string} prefix @param {string} name */
export const named = (prefix, name) => (`${prefix}.${name}` in en ? t(/** @type {Key} */ (`${prefix}.${name}`)) : name);
