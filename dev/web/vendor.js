// Copies the libraries that the dashboard is served with out of node_modules to api/web/vendor, and writes the list of
// them. Run `npm ci && npm run vendor` here after a version in package.json has changed.

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const MODULES = new URL('node_modules/', import.meta.url);
const VENDOR = new URL('../../api/web/vendor/', import.meta.url);

/** Package, its file, and the name here. */
const FILES = [
  ['preact', 'dist/preact.mjs', 'preact.js'],
  ['preact', 'hooks/dist/hooks.mjs', 'preact-hooks.js'],
  ['@preact/signals-core', 'dist/signals-core.mjs', 'signals-core.js'],
  ['@preact/signals', 'dist/signals.mjs', 'signals.js'],
  ['htm', 'dist/htm.mjs', 'htm.js'],
  ['uplot', 'dist/uPlot.iife.min.js', 'uplot.js'],
  ['uplot', 'dist/uPlot.min.css', 'uplot.css'],
];

const list = FILES.map(([name, from, file]) => {
  const about = JSON.parse(readFileSync(new URL(`${name}/package.json`, MODULES), 'utf8'));
  const bytes = readFileSync(new URL(`${name}/${from}`, MODULES));
  writeFileSync(new URL(file, VENDOR), bytes);
  return {
    file,
    package: name,
    version: about.version,
    license: about.license,
    from,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
});
writeFileSync(new URL('list.json', VENDOR), `${JSON.stringify(list, null, 2)}\n`);

const names = [...new Set(FILES.map(([name]) => name))];
const texts = names.map((name) => {
  const text = readFileSync(new URL(`${name}/LICENSE`, MODULES), 'utf8');
  return `${name}\n${'='.repeat(name.length)}\n${text.trim()}\n`;
});
writeFileSync(new URL('LICENSES.txt', VENDOR), texts.join('\n\n'));
