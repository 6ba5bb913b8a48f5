/** The units of dist/: systemd listens, the first command starts the server, and the server ends with its unit. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { commandLine } from './command-line.ts';
import { BUILT } from './dist.ts';
import { remainsAtLast } from './nothing-left.ts';
import { PATIENCE } from './patience.ts';
import { noServer, residentDist, statusOf } from './resident-server.ts';

const noSystemd = existsSync('/run/systemd/system') ? false : 'systemd is not running here';
const UNITS = '/run/systemd/system';

describe('a server whose socket is systemd’s', { skip: noContainers || noServer || noSystemd }, () => {
  const work = workFolder('systemd-resident');
  const prefix = `runchart-test-${process.pid}-systemd-resident`;
  const dist = residentDist(work.path);
  const runchart = commandLine(dist.program, work.path);
  const bundle = makeBundle(join(work.path, 'bundle'), shellConfig('exec sleep 10000'));
  const [socket, service] = ['socket', 'service'].map((type) => `${prefix}.${type}`);
  const systemctl = (...args: readonly string[]) => execFileSync('systemctl', args, { encoding: 'utf8' }).trim();
  let count = 0;

  before(() => {
    // The units that ship, with names and paths of the test alone.
    for (const type of ['socket', 'service']) {
      const text = readFileSync(join(BUILT, `runchart.${type}`), 'utf8')
        .replaceAll('/usr/local/lib/runchart/runchart', dist.program)
        .replaceAll('/run/runchart-resident', dist.directory)
        .replaceAll('runchart.socket', `${prefix}.socket`);
      assert.ok(text.includes(work.path), `runchart.${type} has a path`);
      writeFileSync(join(UNITS, `${prefix}.${type}`), text);
    }
    systemctl('daemon-reload');
  });
  after(async () => {
    systemctl('stop', `${socket}`, `${service}`);
    for (const type of ['socket', 'service']) rmSync(join(UNITS, `${prefix}.${type}`));
    systemctl('daemon-reload');
    assert.deepEqual(await remainsAtLast(`${prefix}-`, work.path), []);
    work.remove();
  });

  function life(): void {
    const id = `${prefix}-${++count}`;
    for (const argv of [
      ['run', '--detach', '--bundle', bundle, id],
      ['exec', id, 'true'],
      ['delete', '--force', id],
    ]) {
      const { status, stderr } = runchart(...argv);
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, argv.join(' '));
    }
  }

  async function serves(): Promise<void> {
    for (let tries = 0; ; tries++) {
      life();
      try {
        if (statusOf(dist.program).commands > 0) return;
      } catch {
        // It comes up.
      }
      assert.ok(tries < 60 * PATIENCE, 'the server performs commands');
      await setTimeout(500);
    }
  }

  it('starts with the first command, which goes its usual way', async () => {
    systemctl('start', `${socket}`);
    assert.equal(systemctl('show', '--property=ActiveState', '--value', `${service}`), 'inactive');
    const { mode, uid } = statSync(dist.socket);
    assert.deepEqual([mode & 0o777, uid, statSync(dist.directory).mode & 0o777], [0o600, 0, 0o700]);
    life();
    assert.equal(systemctl('show', '--property=ActiveState', '--value', `${service}`), 'active');
    await serves();
    const pid = Number(systemctl('show', '--property=MainPID', '--value', `${service}`));
    assert.equal(statusOf(dist.program).pid, pid);
  });

  it('ends with its unit, and leaves the socket to systemd', async () => {
    systemctl('stop', `${service}`);
    assert.equal(systemctl('show', '--property=Result', '--value', `${service}`), 'success');
    assert.ok(statSync(dist.socket).isSocket());
    await serves();
    systemctl('stop', `${socket}`, `${service}`);
    assert.throws(() => statusOf(dist.program));
    life();
  });
});
