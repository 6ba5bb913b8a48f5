import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, assemble } from '../../../effects/seccomp/bpf.ts';
import { hasFilter, profileOf, RAW_FILTER } from '../../../effects/seccomp/profile.ts';
import { asksAgent, readRawFilter } from '../../../effects/seccomp/raw.ts';
import { SECCOMP_RET } from '../../../native/constants/seccomp.ts';
import type { Config } from '../../../spec/types.ts';

const encoded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const program = assemble([answer(SECCOMP_RET.ALLOW)]);

test('a program comes out as it was encoded', () => {
  const long = assemble(Array.from({ length: 4096 }, (_, k) => answer(k)));
  for (const one of [program, long]) assert.deepEqual(readRawFilter(encoded(one)), one);
});

test('what is no program is refused, and says why', () => {
  const refused: readonly [string, RegExp][] = [
    ['', /has no instruction/],
    ['*', /not base64/],
    ['AAAA=', /not base64/],
    [encoded(program.subarray(0, 7)), /7 bytes are no whole instructions of 8/],
    [encoded(new Uint8Array(4097 * 8)), /more than 4096 instructions/],
  ];
  for (const [text, message] of refused) assert.throws(() => readRawFilter(text), message);
});

test('an instruction that asks an agent is seen', () => {
  assert.equal(asksAgent(program), false);
  assert.equal(asksAgent(assemble([answer(SECCOMP_RET.ALLOW), answer(SECCOMP_RET.USER_NOTIF)])), true);
});

test('the annotation replaces the rules, and what is beside them stays', () => {
  const seccomp = {
    defaultAction: 'SCMP_ACT_KILL' as const,
    listenerPath: '/agent',
    syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO' as const }],
  };
  const config = { ociVersion: '1.2.0', root: { path: 'rootfs' }, linux: { seccomp } } as Config;
  assert.equal(profileOf(config), seccomp);
  const brought = { ...config, annotations: { [RAW_FILTER]: encoded(program) } };
  assert.deepEqual(profileOf(brought), { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/agent' });
  const { linux: _, ...alone } = brought;
  assert.equal(hasFilter(alone), true);
  assert.equal(hasFilter({ ociVersion: '1.2.0', root: { path: 'rootfs' } } as Config), false);
});
