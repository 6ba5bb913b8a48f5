import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERSION } from '../../library/version.ts';
import manifest from '../../package.json' with { type: 'json' };

test('the library knows the version of its package', () => {
  assert.equal(VERSION, manifest.version);
});
