import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { checkContainerId } from '../../spec/id.ts';

const INVALID = 'invalid container ID format';

suite('a container id', () => {
  test('is made of the characters that runc takes', () => {
    const alphabet = [...'abcxyzABCXYZ0189_+-.'];
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...alphabet), minLength: 1, maxLength: 255 }), (id) => {
        fc.pre(id !== '.' && id !== '..');
        checkContainerId(id);
      }),
    );
  });

  for (const id of ['.', '..', 'a/b', '/', 'a b', 'a\n', '\n', 'a\0', 'é', 'a:b', 'a@b', '../x', 'ａ', 'ſ']) {
    test(`is not ${JSON.stringify(id)}`, () => {
      assert.throws(() => checkContainerId(id), { message: INVALID });
    });
  }

  test('is not empty', () => {
    assert.throws(() => checkContainerId(''), { message: 'container id cannot be empty' });
  });

  test('is a file name', () => {
    checkContainerId('a'.repeat(255));
    for (const length of [256, 1024, 5000]) {
      assert.throws(() => checkContainerId('a'.repeat(length)), { message: `${INVALID}: longer than 255 characters` });
    }
  });
});
