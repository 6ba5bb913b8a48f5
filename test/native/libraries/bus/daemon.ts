/** A private dbus-daemon for tests. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout } from 'node:timers/promises';

export interface PrivateBus {
  readonly address: string;
  /** A folder for the test, which is removed with the bus. */
  readonly folder: string;
  stop(): Promise<void>;
}

/** What is missing to run a bus; false where nothing is. */
export const noBus: string | false =
  spawnSync('dbus-daemon', ['--version']).status === 0 ? false : 'dbus-daemon is not installed';

export async function startBus(): Promise<PrivateBus> {
  const folder = mkdtempSync(`${tmpdir()}/runchart-test-bus-`);
  const socket = `${folder}/bus.sock`;
  writeFileSync(
    `${folder}/bus.conf`,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>`,
  );
  const daemon = spawn(
    'dbus-daemon',
    [`--config-file=${folder}/bus.conf`, '--nofork', '--nopidfile', '--print-address'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  // It prints its address when it listens. The socket is there before that.
  let listening = false;
  daemon.stdout.once('data', () => {
    listening = true;
  });
  await until(() => listening, 'dbus-daemon to listen');
  return {
    address: `unix:path=${socket}`,
    folder,
    async stop() {
      await end(daemon);
      rmSync(folder, { recursive: true });
    },
  };
}

export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 10_000) throw new Error(`waited in vain for ${what}`);
    await setTimeout(5);
  }
}

/** Ends a child of this process, and waits for it. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await gone;
}
