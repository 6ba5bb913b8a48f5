/**
 * A program that runs one container in the foreground, as `run` does. Its argument is a `Driven` in JSON. It exits with
 * the container's status, or with 99 and the error on standard error.
 */

import { writeSync } from 'node:fs';
import { hostPlatform } from '../../native/host-platform.ts';
import { type Context, PATIENCE } from '../../runtime/container/context.ts';
import { type ForegroundOptions, runForeground } from '../../runtime/foreground/foreground.ts';
import { withEnvironment } from '../../runtime/foreground/inheritance.ts';
import { createContainer, readConfig } from '../../runtime/operations/create.ts';

export interface Driven {
  readonly id: string;
  readonly bundle: string;
  readonly root: string;
  readonly options?: Partial<ForegroundOptions>;
}

const { id, bundle, root, options }: Driven = JSON.parse(process.argv[2] ?? '');
const platform = hostPlatform();
const context: Context = {
  platform,
  host: { cwd: '/', env: process.env, uid: 0, gid: 0, pid: process.pid },
  root,
  systemdCgroup: false,
  patience: PATIENCE,
  now: () => new Date().toISOString(),
  warn: (message) => {
    writeSync(2, `warning: ${message}\n`);
  },
};
let status = 99;
try {
  const config = await readConfig(platform.local, bundle);
  const terminal = config.process?.terminal ?? false;
  status = await runForeground(context, id, { terminal, subreaper: true, keep: false, ...options }, (inherited) =>
    createContainer(context, {
      id,
      bundle,
      config: withEnvironment(config, inherited),
      inheritance: inherited.inheritance,
    }),
  );
} catch (error) {
  writeSync(2, `error: ${error instanceof Error ? error.message : error}\n`);
}
process.exit(status);
