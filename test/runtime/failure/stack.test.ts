import assert from 'node:assert/strict';
import { it } from 'node:test';
import { placeIn, sourceAt, sourceStack } from '../../../runtime/failure/stack.ts';
import { kernel } from '../place.ts';

/** Of `bun build --minify` for two files: `b.ts` throws in its fifth line, `a.ts` calls it in its third. */
const MAP = {
  sources: ['b.ts', 'a.ts'],
  mappings:
    ';AAIA,SAAS,CAAU,CAAC,EAAkB,CAAE,MAAU,MAAM,OAAS,CAAC,EAC3D,SAAS,CAAC,CAAC,EAAW,CAAE,OAAO,EAAW,EAAI,CAAC,ECJ/C,' +
    'MAAM,UAAY,KAAM,CAAE,KAAK,KAAM,CAC5C,GAAI,CAAE,EAAE,CAAC,EAAI,MAAO,EAAG,CAAE,QAAQ,IAAK,EAAY,KAAK',
};

it('a place in a script leads to the line of its source', () => {
  const lineAt = (column: number) => [sourceAt(MAP, 2, column)?.source, sourceAt(MAP, 2, column)?.line];
  assert.deepEqual(lineAt(1), ['b.ts', 5]);
  assert.deepEqual(lineAt(20), ['b.ts', 5]);
  assert.deepEqual(lineAt(10_000), ['a.ts', 3]);
  assert.equal(sourceAt(MAP, 1, 1), undefined);
  assert.equal(sourceAt(MAP, 99, 1), undefined);
});

it('a source that is made of others leads to those', () => {
  // The script begins with the eleventh column of the second line of `apart.ts`.
  const itself = { ...MAP, sources: ['apart.ts', 'a.ts'] };
  const maps = { 'chunk.js': { sources: ['apart.ts'], mappings: 'AACU' }, 'apart.ts': itself };
  assert.deepEqual(placeIn(maps, { source: 'chunk.js', line: 1, column: 1 }), sourceAt(itself, 2, 11));
  assert.equal(placeIn(maps, { source: 'none.js', line: 1, column: 1 }), undefined);
  assert.equal(placeIn(maps, { source: 'chunk.js', line: 7, column: 1 }), undefined);
});

it('a stack of which nothing is known stays as it is', () => {
  const stack = 'Error: x\n    at run (chunk-none.js:2:5)\n    at main (native)';
  assert.equal(sourceStack(kernel, stack), stack);
});
