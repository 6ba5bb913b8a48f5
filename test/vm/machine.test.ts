/** The test machine, with a script instead of qemu. */

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { runMachine } from './machine.ts';
import type { Told } from './talk.ts';

const work = mkdtempSync(join(tmpdir(), 'runchart-test-'));
const path = process.env.PATH;
process.env.PATH = `${work}:${path}`;
after(() => {
  process.env.PATH = path;
  rmSync(work, { recursive: true });
});

const PATIENT = { bootMs: 600_000, silenceMs: 600_000 };

/** @param script what runs instead of qemu; the log of its console is `$log` */
async function machine(script: string, limits = PATIENT, stop = new AbortController()) {
  const qemu = join(work, 'qemu-system-x86_64');
  const findLog = 'for one; do case $one in file:*/console.log) log=$' + '{one#file:};; esac; done';
  writeFileSync(qemu, `#!/bin/sh\n${findLog}\n${script}\n`);
  chmodSync(qemu, 0o755);
  const heard: Told[] = [];
  const image = { kernel: 'k', initrd: 'i', disk: 'd' };
  const failure = await runMachine(
    { image, kernelWords: [], payload: 'p', work, limits, stop: stop.signal },
    (what) => {
      heard.push(what);
      if (what.kind === 'file') stop.abort();
    },
  );
  return { failure, heard };
}

describe('the test machine', () => {
  const up = `echo '{"kind":"up","seconds":3}'`;

  it('is heard until it says goodbye', async () => {
    const { failure, heard } = await machine(`echo SeaBIOS; ${up}; echo '{"kind":"down","left":[]}'`);
    assert.equal(failure, undefined);
    assert.deepEqual(heard, [
      { kind: 'up', seconds: 3 },
      { kind: 'down', left: [] },
    ]);
  });

  it('is shown with the end of its console if it does not boot', async () => {
    const { failure } = await machine('echo "Kernel panic: no root" >"$log"; echo no KVM >&2; exit 1');
    assert.equal(
      failure,
      ['it ended early (status 1)', 'no KVM', 'the end of its console:', 'Kernel panic: no root'].join('\n'),
    );
  });

  it('is ended if it hangs, before it is up and after', async () => {
    const booting = await machine('exec sleep 1000', { ...PATIENT, bootMs: 50 });
    assert.match(booting.failure ?? '', /^it did not boot in 0\.05 s\n/);
    const silent = await machine(`${up}; exec sleep 1000`, { ...PATIENT, silenceMs: 50 });
    assert.match(silent.failure ?? '', /^nothing was heard for 0\.05 s after: \{"kind":"up"/);
  });

  it('is ended when the run is stopped', async () => {
    const { failure } = await machine(`echo '{"kind":"file","file":"x","ms":1}'; exec sleep 1000`);
    assert.match(failure ?? '', /^it was ended\n/);
    const stopped = new AbortController();
    stopped.abort();
    assert.match((await machine('exec sleep 1000', PATIENT, stopped)).failure ?? '', /^it was ended\n/);
  });
});
