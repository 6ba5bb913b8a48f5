/** For tests that read the files of cgroup v2, with either driver. The machine of test/vm/ has all of them. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { noContainers } from './bundle.ts';

/** Why none of it can be tested here; false if it can. */
const noPureV2: string | false =
  noContainers || (existsSync('/sys/fs/cgroup/cgroup.controllers') ? false : 'this host’s cgroups are not v2 alone');
export const noSystemd: string | false =
  noPureV2 || (existsSync('/run/systemd/system') ? false : 'systemd is not running here');

interface Driver {
  readonly name: 'fs' | 'systemd';
  readonly skip: string | false;
  /** Options before the command. */
  readonly globals: readonly string[];
  /** The cgroupsPath in config.json. */
  cgroupsPath(id: string): string;
  /** The directory of the container's cgroup then. */
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

/** The named files of a cgroup. */
export const filesOf = (directory: string, names: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [name, readFileSync(`${directory}/${name}`, 'utf8').trim()]));

/** Properties of a unit as systemd shows them. For an ordinary user, their own manager is asked, by its environment. */
export function propertiesOf(unit: string, names: readonly string[]): Readonly<Record<string, string>> {
  const text = execFileSync('systemctl', ['show', `--property=${names.join(',')}`, unit], { encoding: 'utf8' });
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
