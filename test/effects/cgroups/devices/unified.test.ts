import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALLOW_ALL, DENY_ALL } from '../../../../effects/cgroups/devices/policy.ts';
import { DevicePrograms } from '../../../../effects/cgroups/devices/programs.ts';
import { applyUnifiedDevices } from '../../../../effects/cgroups/devices/unified.ts';
import { ERRNO } from '../../../../native/constants/errno.ts';
import type { Call, Kernel, Out, Struct } from '../../../../native/kernel/kernel.ts';
import { viewOf } from '../../../../native/kernel/struct.ts';

const CMD = { LOAD: 5, ATTACH: 8, DETACH: 9, BY_ID: 13, QUERY: 16 } as const;

/** bpf(2) of a cgroup that has some programs, as far as these tests need it; and the descriptors that are open. */
function doubleOf(answers: { readonly attached: number; readonly failing?: (command: number, n: number) => number }) {
  const open = new Set<number>();
  const counts = new Map<number, number>();
  let last = 9;
  const opening = (): number => {
    open.add(++last);
    return last;
  };
  const bpf = ([command, attr]: Call['args']): number => {
    const n = (counts.get(Number(command)) ?? 0) + 1;
    counts.set(Number(command), n);
    const failure = answers.failing?.(Number(command), n) ?? 0;
    if (failure !== 0) return -failure;
    if (command === CMD.LOAD || command === CMD.BY_ID) return opening();
    if (command !== CMD.QUERY) return 0;
    const [pointer] = (attr as Struct).pointers;
    assert.ok(pointer !== undefined);
    const ids = viewOf((pointer.target as Out).bytes);
    for (let i = 0; i < answers.attached; i++) ids.setUint32(i * 4, i + 1, true);
    return 0;
  };
  const perform = ({ name, args }: Call): number => {
    if (name === 'openat') return opening();
    if (name === 'close') return open.delete(Number(args[0])) ? 0 : -ERRNO.EBADF;
    assert.equal(name, 'bpf');
    return bpf(args);
  };
  const kernel: Kernel = {
    performer: 'double',
    submit: (calls) => ({ results: calls.map(perform), stoppedAt: undefined }),
  };
  return { kernel, open, count: (command: number) => counts.get(command) ?? 0 };
}

test('all descriptors are closed when the new program is in force', () => {
  const { kernel, open, count } = doubleOf({ attached: 3 });
  applyUnifiedDevices(kernel, '/c', ALLOW_ALL);
  assert.equal(count(CMD.DETACH), 3);
  assert.deepEqual([...open], []);
});

test('no descriptor stays open when one of several attached programs cannot be opened', () => {
  const { kernel, open } = doubleOf({
    attached: 3,
    failing: (cmd, n) => (cmd === CMD.BY_ID && n === 3 ? ERRNO.EMFILE : 0),
  });
  assert.throws(() => applyUnifiedDevices(kernel, '/c', ALLOW_ALL), /open the device program 3 of \/c: EMFILE/);
  assert.deepEqual([...open], []);
});

test('a program that the kernel refuses is loaded once, also where programs are kept', () => {
  const { kernel, open, count } = doubleOf({ attached: 0, failing: (cmd) => (cmd === CMD.LOAD ? ERRNO.ENOMEM : 0) });
  const programs = new DevicePrograms(kernel);
  assert.throws(() => applyUnifiedDevices(kernel, '/c', ALLOW_ALL, programs), /load the device program of \/c: ENOMEM/);
  assert.equal(count(CMD.LOAD), 1);
  assert.deepEqual([...open], []);
});

test('a kept program stays open until it is let go of', () => {
  const { kernel, open, count } = doubleOf({ attached: 0 });
  const programs = new DevicePrograms(kernel);
  applyUnifiedDevices(kernel, '/c', ALLOW_ALL, programs);
  applyUnifiedDevices(kernel, '/d', ALLOW_ALL, programs);
  assert.equal(count(CMD.LOAD), 1);
  assert.equal(open.size, 1);
  applyUnifiedDevices(kernel, '/e', DENY_ALL, programs);
  assert.equal(count(CMD.LOAD), 2, 'another policy is another program');
  programs.close();
  assert.deepEqual([...open], []);
});
