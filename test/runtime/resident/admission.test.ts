import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Out } from '../../../native/kernel/kernel.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { localKernel } from '../../../native/performers/local.ts';
import { isAs } from '../../../runtime/resident/admission.ts';
import { copyOf, type Identity, identification, statusField } from '../../../runtime/resident/identity.ts';

const STATUS = [
  'Name:\trunchart',
  'Umask:\t0022',
  'Uid:\t0\t0\t0\t0',
  'Gid:\t0\t0\t0\t0',
  'CapInh:\t0000000000000000',
  'CapPrm:\t00000000000000ff',
  'CapEff:\t00000000000000ff',
  'CapBnd:\t00000000000000ff',
  'Seccomp:\t0',
  'Seccomp_filters:\t0',
  '',
].join('\n');

const memory = (size: number, fill: number): Out => ({ kind: 'out', bytes: new Uint8Array(size).fill(fill) });
const self: Identity = {
  namespaces: Array.from({ length: 8 }, (_, i) => memory(64, i)),
  root: memory(256, 1),
  program: memory(256, 2),
  label: memory(256, 3),
  status: STATUS,
};
/** The same, with another byte somewhere. */
function changed(part: 'root' | 'program' | 'label', at: number): Identity {
  const other = copyOf(self);
  other[part].bytes[at] = 99;
  return other;
}
const withStatus = (from: string, to: string): Identity => {
  assert.ok(STATUS.includes(from));
  return { ...self, status: STATUS.replace(from, to) };
};

describe('who is served', () => {
  it('is who has the engine’s root, namespaces, rights and launcher', () => {
    assert.ok(isAs(copyOf(self), self));
    // When it was last read does not matter, nor does another umask, nor do more rights.
    assert.ok(isAs(changed('program', 64), self));
    assert.ok(isAs(withStatus('0022', '0077'), self));
    assert.ok(isAs(withStatus('CapEff:\t00000000000000ff', 'CapEff:\t00000000000001ff'), self));
  });

  it('is nobody else', () => {
    for (let i = 0; i < 8; i++) {
      const other = copyOf(self);
      const bytes = other.namespaces[i]?.bytes;
      if (bytes) bytes[7] = 99;
      assert.ok(!isAs(other, self), `namespace ${i}`);
    }
    for (const at of [32, 136, 140, 144])
      assert.ok(!isAs(changed('root', at), self) && !isAs(changed('program', at), self));
    for (const at of [40, 112, 120]) assert.ok(!isAs(changed('program', at), self));
    assert.ok(!isAs(changed('label', 0), self));
    assert.ok(!isAs(withStatus('Uid:\t0\t0', 'Uid:\t1\t0'), self));
    assert.ok(!isAs(withStatus('Gid:\t0\t0\t0\t0', 'Gid:\t0\t0\t0\t5'), self));
    assert.ok(!isAs(withStatus('Seccomp:\t0', 'Seccomp:\t2'), self));
    for (const set of ['CapPrm', 'CapEff', 'CapBnd'])
      assert.ok(!isAs(withStatus(`${set}:\t00000000000000ff`, `${set}:\t00000000000000fe`), self), set);
  });

  it('is found in /proc', () => {
    const identify = identification(localKernel(loadLibc()));
    const own = identify('/proc/self');
    assert.ok(own);
    const kept = copyOf(own);
    const parent = identify(`/proc/${process.ppid}`);
    assert.ok(parent && statusField(parent.status, 'Pid') === String(process.ppid));
    assert.equal(statusField(kept.status, 'Pid'), String(process.pid));
    assert.equal(identify('/proc/4194305'), undefined);
    const again = identify('/proc/self');
    assert.ok(again && (process.getuid?.() !== 0 || isAs(again, kept)));
  });
});
