/** What a container is to be like, in the few words that most containers need. */

import type { IDMapping, Mount, Process, Seccomp } from '../types.ts';
import type { Arch } from './seccomp.ts';

/** A directory or a file of the host's in the container. */
export interface BindMount {
  /** Absolute path on the host. */
  readonly source: string;
  /** Absolute path in the container. It is made if it is missing. */
  readonly destination: string;
  /** Whether the container can only read there, below other mounts too. */
  readonly readonly?: boolean;
}

/** A file system in memory. */
export interface TmpfsMount {
  /** Absolute path in the container. */
  readonly tmpfs: string;
  /** In bytes, or as `64m`. By default half of the machine's memory. */
  readonly size?: number | string;
  /** The mode of its root. 0o1777 by default: anybody may write there, as in /tmp. */
  readonly mode?: number;
}

/** A mount of config.json can be given as it is. */
export type MountOption = BindMount | TmpfsMount | Mount;

/** What a container is to be like. All of it has a default. */
export interface ConfigOptions {
  /** The program and its arguments. `['sh']` by default. */
  readonly args?: readonly string[];
  /** By name, or as `NAME=value`. PATH has a default. */
  readonly env?: Readonly<Record<string, string>> | readonly string[];
  /** The directory that the program starts in. `/` by default. */
  readonly cwd?: string;
  /** The ids inside the container. Root by default. A user's group has the user's number by default. */
  readonly user?: { readonly uid: number; readonly gid?: number; readonly additionalGids?: readonly number[] };
  /** `runchart` by default. */
  readonly hostname?: string;
  /** Mounted after the container's own /proc, /dev and /sys, in this order. */
  readonly mounts?: readonly MountOption[];
  /** The most memory that it may use: in bytes, or as `512m`. */
  readonly memory?: number | string;
  /** The most CPU time that it may use, in CPUs: 1.5. */
  readonly cpus?: number;
  /** The most processes and threads that it may have. 2048 by default, and -1 for no limit. */
  readonly pids?: number;
  /** `none` by default: nothing but a loopback interface. `host`: the network of the program that makes it. */
  readonly network?: 'none' | 'host';
  /** Whether the root file system can only be read. */
  readonly readonly?: boolean;
  /** Names such as `CAP_NET_ADMIN`. By default it has Docker's. `drop: ['ALL']` takes all of these away. */
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  /** Docker's profile by default. */
  readonly seccomp?: 'default' | 'unconfined' | Seccomp;
  /** Whether programs may gain rights that this one does not have, as sudo does. By default they may not. */
  readonly newPrivileges?: boolean;
  readonly rlimits?: NonNullable<Process['rlimits']>;
  /** The container gets a user namespace with these ids. Without root's rights it has one in any case. */
  readonly idMappings?: { readonly uids: readonly IDMapping[]; readonly gids: readonly IDMapping[] };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What a config has to fit. */
export interface HostFacts {
  /** Whether the host has cgroup v2 alone. */
  readonly unifiedCgroups: boolean;
  readonly arch: Arch;
  /** Who makes the container, if not root: the effective ids. */
  readonly rootless?: { readonly uid: number; readonly gid: number };
}
