import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { cleanInside } from '../../spec/paths.ts';

suite('a path inside of the container', () => {
  test('is cleaned as if joined to /', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('/', '.', '..', 'a', 'b.c', ' ', '...'), { maxLength: 12 }), (parts) => {
        const path = parts.join('');
        const expected = posix.resolve('/', `./${path}`);
        assert.equal(cleanInside(path), expected);
      }),
    );
  });

  test('can be relative, empty, or lead out', () => {
    assert.equal(cleanInside('dev/shm/'), '/dev/shm');
    assert.equal(cleanInside(''), '/');
    assert.equal(cleanInside('../../etc'), '/etc');
  });
});
