import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { MAX_DEPTH, parseJson } from '../../spec/json.ts';

suite('JSON', () => {
  test('keeps every 64-bit integer, as a bigint only where a number would lose it', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (integer) => {
        const value = parseJson(`{"deep":[${integer}]}`, 'x');
        const safe = Number.isSafeInteger(Number(integer)) && BigInt(Number(integer)) === integer;
        assert.deepEqual(value, { deep: [safe ? Number(integer) : integer] });
      }),
    );
    assert.deepEqual(parseJson('[18446744073709551615,9007199254740993]', 'x'), [
      18446744073709551615n,
      9007199254740993n,
    ]);
  });

  test('reads all else as JSON.parse does', () => {
    // Null and integers beyond 2^53 are left out: other tests are about them.
    const plain = fc
      .jsonValue({ maxDepth: 4 })
      .filter((value) => !/null|(?<![\d.])\d{16,}/.test(JSON.stringify(value)));
    fc.assert(
      fc.property(plain, (value) => {
        const text = JSON.stringify(value);
        assert.deepEqual(parseJson(text, 'x'), JSON.parse(text));
        assert.deepEqual(parseJson(`{"n":1234567890123456,"v":${text}}`, 'x'), {
          n: 1234567890123456,
          v: JSON.parse(text),
        });
      }),
    );
  });

  test('takes a null member for an absent one, and leaves it in lists', () => {
    assert.deepEqual(parseJson('{"a":null,"b":{"c":null},"d":[null,1],"e":"null"}', 'x'), {
      b: {},
      d: [null, 1],
      e: 'null',
    });
  });

  test('does not turn numbers that are no 64-bit integers into bigints', () => {
    assert.deepEqual(parseJson('[1e30, 0.12345678901234566]', 'x'), [1e30, 0.12345678901234566]);
    const long = '9'.repeat(100_000);
    assert.deepEqual(parseJson(`[${long}]`, 'x'), [Number.POSITIVE_INFINITY]);
  });

  test('counts no bracket in a string, and every other', () => {
    const piece = fc.oneof(fc.constantFrom('[', '{', ']', '}', '"', '\\', '\\"', '\\\\"', 'a'), fc.string());
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 50 }), fc.integer({ min: 2, max: 20 }), (pieces, depth) => {
        const value = Array.from({ length: depth - 1 }).reduce<unknown>((inner) => [inner], pieces.join(''));
        const text = JSON.stringify([value, { '[': '{' }, ...Array(20).fill([])]);
        assert.deepEqual(parseJson(text, 'x', depth), JSON.parse(text));
        assert.throws(() => parseJson(text, 'x', depth - 1), /exceeded max depth/);
      }),
    );
  });

  for (const [name, deep] of Object.entries({
    arrays: (depth: number) => '['.repeat(depth) + ']'.repeat(depth),
    objects: (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
    both: (depth: number) => '[{"a":'.repeat(depth / 2) + 1 + '}]'.repeat(depth / 2),
  })) {
    test(`reads ${name} as deep as runc does, and says of others that they are too deep`, () => {
      assert.ok(parseJson(deep(MAX_DEPTH), 'config.json'));
      for (const depth of [MAX_DEPTH + 2, 200_000])
        assert.throws(() => parseJson(deep(depth), 'config.json'), {
          message: 'config.json: nested too deep: exceeded max depth 10000',
        });
      assert.throws(() => parseJson(deep(5_000_000).slice(0, 16_000_000), 'x'), /exceeded max depth/);
    });
  }

  for (const [name, text] of Object.entries({
    nothing: '',
    'half an object': '{"a":\n\n',
    'two values': '{} {}',
    'lines and escapes': '{\n\n\u001b[31m}',
    'deep nesting, unclosed': '['.repeat(MAX_DEPTH),
  })) {
    test(`says in one line that it is not valid: ${name}`, () => {
      assert.throws(() => parseJson(text, 'config.json'), { message: /^config\.json: not valid JSON: [^\n\p{Cc}]+$/u });
    });
  }

  test('refuses null', () => {
    assert.throws(() => parseJson('null', 'config.json'), { message: 'config.json: must be an object, not null' });
  });
});
