/**
 * Where the containers are made: a folder with bundles, a state root of its own, and a cgroup of its own. Nothing of
 * the user's containers is touched, and nothing comes from the network.
 */

import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../spec/types.ts';
import { BUNDLES, type BundleName, configOf, type Places } from '../model/bundles.ts';
import { Cgroup, hasUnifiedCgroups } from './cgroup.ts';

export interface LabOptions {
  /** The runtime that is checked: the absolute path of its program. */
  readonly program: string;
  /** Where the lab's folder is made. */
  readonly parent: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** How long a command, or a process that was told to end, may take; in milliseconds. */
  readonly patience: number;
}

const BUSYBOX = '/bin/busybox';
/** What the host's shell needs to run. */
const HOST_FOLDERS = ['/bin', '/sbin', '/usr', '/lib', '/lib64'];
const ROOTFS_FOLDERS = ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp', 'conform', 'missing'];

export class Lab {
  readonly program: string;
  readonly env: LabOptions['env'];
  readonly patience: number;
  readonly folder: string;
  /** The runtime's state root. */
  readonly root: string;
  readonly bundles: string;
  /** The directory that the container has at /conform. */
  readonly exchange: string;
  readonly cgroup: Cgroup;
  readonly #places: Places;
  #end: number | undefined;

  constructor({ program, parent, env, pid, patience }: LabOptions) {
    this.program = program;
    this.env = env;
    this.patience = patience;
    this.folder = mkdtempSync(join(parent, `runchart-conform-${pid}-`));
    this.root = join(this.folder, 'root');
    this.bundles = join(this.folder, 'bundles');
    this.exchange = join(this.bundles, 'conform');
    this.cgroup = new Cgroup(`runchart-conform-${pid}`);
    this.#places = placesOf(this.exchange, this.cgroup.name);
    mkdirSync(this.root, { mode: 0o700 });
    writeBundles(this.bundles, this.#places);
    this.reset();
  }

  /** Makes the directory of exchange, and the config that a step may have changed, as they were. */
  reset(): void {
    if (this.#end !== undefined) closeSync(this.#end);
    rmSync(this.exchange, { recursive: true, force: true });
    mkdirSync(this.exchange);
    const end = join(this.exchange, 'end');
    execFileSync('mkfifo', [end], { env: this.env });
    // With a writer, whoever reads waits. O_RDWR does not wait for a reader.
    this.#end = openSync(end, constants.O_RDWR | constants.O_NONBLOCK);
    writeConfig(this.bundles, 'plain', configOf('plain', this.#places));
  }

  /** Tells the container's program to end. */
  tellToEnd(): void {
    if (this.#end !== undefined) writeSync(this.#end, '\n');
  }

  changeConfig(): void {
    writeFileSync(join(this.bundles, 'plain/config.json'), '{}\n');
  }

  remove(): void {
    if (this.#end !== undefined) closeSync(this.#end);
    this.#end = undefined;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function placesOf(exchange: string, cgroup: string): Places {
  const hostFolders = existsSync(BUSYBOX) ? [] : HOST_FOLDERS.filter((path) => existsSync(path));
  return { exchange, hostFolders, cgroupsPath: `/${cgroup}`, unifiedCgroups: hasUnifiedCgroups() };
}

/** Writes all bundles below a folder, for whoever wants to repeat what a report shows. */
export function keepBundles(folder: string, pid: number): void {
  const exchange = join(folder, 'conform');
  writeBundles(folder, placesOf(exchange, `runchart-conform-${pid}`));
  mkdirSync(exchange);
  execFileSync('mkfifo', [join(exchange, 'end')]);
}

/** The bundles have one root file system in common. It is read-only for them. */
function writeBundles(folder: string, places: Places): void {
  const rootfs = join(folder, 'rootfs');
  for (const name of ROOTFS_FOLDERS) mkdirSync(join(rootfs, name), { recursive: true });
  if (places.hostFolders.length === 0) installBusybox(rootfs);
  for (const path of places.hostFolders) mkdirSync(join(rootfs, path), { recursive: true });
  for (const name of BUNDLES) {
    mkdirSync(join(folder, name));
    writeConfig(folder, name, configOf(name, places));
  }
}

function writeConfig(folder: string, name: BundleName, config: Config): void {
  const own = { ...config, root: { path: join(folder, 'rootfs'), readonly: true } };
  writeFileSync(join(folder, name, 'config.json'), `${JSON.stringify(own, undefined, 2)}\n`);
}

function installBusybox(rootfs: string): void {
  copyFileSync(BUSYBOX, join(rootfs, 'bin/busybox'));
  for (const applet of ['sh', 'cat', 'head', 'echo', 'kill']) symlinkSync('busybox', join(rootfs, 'bin', applet));
}
