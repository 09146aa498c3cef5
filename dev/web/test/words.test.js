// Dictionaries: no key that no module uses, the same placeholders in both languages, and no key made up.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { en } from '../../../api/web/app/words/en.js';
import { ko } from '../../../api/web/app/words/ko.js';

const APP = new URL('../../../api/web/app/', import.meta.url);
const sources = readdirSync(APP, { recursive: true })
  .filter((name) => name.endsWith('.js') && !/words\/(en|ko)\.js$/.test(name))
  .map((name) => readFileSync(new URL(name, APP), 'utf8'))
  .join('\n');

/** Beginnings of keys that are put together: `status.${type}`. */
const made = new Set([...sources.matchAll(/t\(`([\w.]+\.)\$\{/g)].map((match) => match[1]));
for (const [, prefix] of sources.matchAll(/named\('(\w+)'/g)) made.add(`${prefix}.`);
for (const prefix of ['status.', 'kind.', 'state.']) made.add(prefix);
const madeInside = [...sources.matchAll(/t\(`([\w.]+)\$\{[^}]+\}([\w.]*)`/g)].map((match) => [match[1], match[2]]);

test('both languages have the same keys and placeholders', () => {
  const placeholders = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
  assert.deepEqual(Object.keys(ko), Object.keys(en));
  for (const key of Object.keys(en)) assert.deepEqual(placeholders(ko[key]), placeholders(en[key]), key);
});

test('every key is used', () => {
  const unused = Object.keys(en).filter((key) => {
    if (sources.includes(`'${key}'`)) return false;
    if ([...made].some((prefix) => key.startsWith(prefix) && !key.slice(prefix.length).includes('.'))) return false;
    return !madeInside.some(([before, after]) => key.startsWith(before) && key.endsWith(after));
  });
  assert.deepEqual(unused, []);
});
