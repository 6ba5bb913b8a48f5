import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { answer, assemble, prepend } from '../../../effects/seccomp/bpf.ts';
import { enosysPrelude, lastCalls, wantsEnosys } from '../../../effects/seccomp/enosys.ts';
import { interpret } from './interpreter.ts';

const X86 = 0x40000003;
const X86_64 = 0xc000003e;
const X32 = 0x4000003e;
const AARCH64 = 0xc00000b7;
const ENOSYS = 0x50026;
const FALLEN_THROUGH = 0x7fff0000;

const run = (last: ReadonlyMap<number, number>, arch: number, nr: number): number =>
  interpret(prepend(enosysPrelude(last), assemble([answer(FALLEN_THROUGH)])), { arch, nr, args: [] });

test('calls above the last known one fail with ENOSYS, on each architecture by its own numbers', () => {
  const number = fc.integer({ min: 1, max: 600 });
  const lasts = fc.record({ x86: number, amd64: number, x32: number, arm: number }, { requiredKeys: [] });
  fc.assert(
    fc.property(lasts, fc.constantFrom(X86, X86_64, AARCH64, 8), fc.boolean(), number, (last, arch, isX32, n) => {
      const map = new Map<number, number>();
      if (last.x86 !== undefined) map.set(X86, last.x86);
      if (last.amd64 !== undefined) map.set(X86_64, last.amd64);
      if (last.amd64 !== undefined && last.x32 !== undefined) map.set(X32, last.x32 + 0x40000000);
      if (last.arm !== undefined) map.set(AARCH64, last.arm);
      const nr = isX32 && arch === X86_64 ? n + 0x40000000 : n;
      const known = isX32 && arch === X86_64 ? map.get(X32) : map.get(arch);
      assert.equal(run(map, arch, nr), known !== undefined && nr > known ? ENOSYS : FALLEN_THROUGH);
    }),
  );
});

test('a profile that names no call of any architecture has no such rule', () => {
  assert.equal(enosysPrelude(new Map()).length, 0);
  assert.equal(enosysPrelude(new Map([[X32, 5]])).length, 0);
});

test('the last call of an architecture is the largest number, unknown and foreign names aside', () => {
  const table: Readonly<Record<string, readonly number[]>> = {
    read: [0, 3],
    openat2: [437, 437],
    socketcall: [-102, 102],
  };
  const resolve = (name: string, arch: number) => table[name]?.[arch] ?? -1;
  const last = lastCalls(['openat2', 'read', 'read', 'socketcall', 'nonsense'], [0, 1], resolve);
  assert.deepEqual(
    [...last],
    [
      [0, 437],
      [1, 437],
    ],
  );
  assert.deepEqual([...lastCalls(['socketcall'], [0, 1], resolve)], [[1, 102]]);
});

test('the rule is for profiles that refuse what they do not name', () => {
  assert.ok(wantsEnosys({ defaultAction: 'SCMP_ACT_ERRNO' }));
  assert.ok(wantsEnosys({ defaultAction: 'SCMP_ACT_KILL' }));
  for (const defaultAction of ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE', 'SCMP_ACT_NOTIFY'] as const)
    assert.ok(!wantsEnosys({ defaultAction }), defaultAction);
  assert.ok(!wantsEnosys({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38 }));
});
