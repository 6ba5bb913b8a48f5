/** For tests that ask cgroup v2's files, with either driver: the machine of test/vm/ has all of it. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { noContainers } from './bundle.ts';

/** Why nothing of it can be tested; false where it can. */
const noPureV2: string | false =
  noContainers || (existsSync('/sys/fs/cgroup/cgroup.controllers') ? false : 'this host’s cgroups are not v2 alone');
export const noSystemd: string | false =
  noPureV2 || (existsSync('/run/systemd/system') ? false : 'systemd is not running here');

interface Driver {
  readonly name: 'fs' | 'systemd';
  readonly skip: string | false;
  /** Before the command. */
  readonly globals: readonly string[];
  /** Of config.json. */
  cgroupsPath(id: string): string;
  /** Where the container's cgroup is then. */
  directory(id: string): string;
}

export const DRIVERS: readonly Driver[] = [
  {
    name: 'fs',
    skip: noPureV2,
    globals: [],
    cgroupsPath: (id) => `/${id}`,
    directory: (id) => `/sys/fs/cgroup/${id}`,
  },
  {
    name: 'systemd',
    skip: noSystemd,
    globals: ['--systemd-cgroup'],
    cgroupsPath: (id) => `system.slice:t:${id}`,
    directory: (id) => `/sys/fs/cgroup/system.slice/${scopeOf(id)}`,
  },
];

export const scopeOf = (id: string): string => `t-${id}.scope`;

/** Files of a cgroup, those that are named. */
export const filesOf = (directory: string, names: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [name, readFileSync(`${directory}/${name}`, 'utf8').trim()]));

/** Properties of a unit as systemd shows them; of an ordinary user's manager with its environment. */
export function propertiesOf(unit: string, names: readonly string[]): Readonly<Record<string, string>> {
  const text = execFileSync('systemctl', ['show', `--property=${names.join(',')}`, unit], { encoding: 'utf8' });
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
