import assert from 'node:assert/strict';
import { it } from 'node:test';
import { unknownCalls } from '../../../effects/seccomp/newer-calls.ts';

it('names that are no system calls are told of, and calls that are only new are not', () => {
  assert.equal(unknownCalls(['mseal', 'cachestat', 'openat2']), undefined);
  assert.equal(
    unknownCalls(['execvee', 'mseal', 'execvee', 'a b']),
    'linux.seccomp.syscalls: no such system call, ignored: "execvee", "a b"',
  );
  assert.match(unknownCalls(Array.from({ length: 9 }, (_, i) => `no${i}`)) ?? '', / and 4 more$/);
});
