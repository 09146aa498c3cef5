// The vendored libraries are the bytes that the list says, and the list is of the versions that package.json pins.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

const VENDOR = new URL('../../../api/web/vendor/', import.meta.url);
const list = JSON.parse(readFileSync(new URL('list.json', VENDOR), 'utf8'));
const pinned = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).devDependencies;

test('each file has the hash of the list, and no other file is there', () => {
  for (const one of list) {
    const bytes = readFileSync(new URL(one.file, VENDOR));
    assert.equal(createHash('sha256').update(bytes).digest('hex'), one.sha256, one.file);
    assert.equal(pinned[one.package], one.version, one.package);
    assert.ok(one.license, one.package);
  }
  const known = [...list.map((one) => one.file), 'list.json', 'LICENSES.txt'].sort();
  assert.deepEqual(readdirSync(VENDOR).sort(), known);
});
