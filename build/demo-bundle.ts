/**
 * Makes a bundle for demonstrations. Its programs are Debian's static busybox or, if that is missing, those of the
 * host.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const BUSYBOX = '/bin/busybox';
/** What the host's shell needs to run. /etc and all data stay outside. */
const HOST_FOLDERS = ['/bin', '/sbin', '/usr', '/lib', '/lib64'];
const FOLDERS = ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp'];

interface Config {
  process: { args: string[]; terminal: boolean };
  mounts: { destination: string; type?: string; source?: string; options?: string[] }[];
}

/**
 * @param folder an empty folder, which becomes the bundle
 * @param runtime the runtime whose `spec` writes the config
 * @param script what the container's shell runs
 */
export function makeBundle(folder: string, runtime: string, script: string): void {
  const rootfs = join(folder, 'rootfs');
  for (const name of FOLDERS) mkdirSync(join(rootfs, name), { recursive: true });
  const fromHost = !existsSync(BUSYBOX);
  if (!fromHost) installBusybox(rootfs);

  execFileSync(runtime, ['spec', '--bundle', folder], { stdio: 'pipe' });
  const path = join(folder, 'config.json');
  const config: Config = JSON.parse(readFileSync(path, 'utf8'));
  config.process.terminal = false;
  config.process.args = ['sh', '-c', script];
  if (fromHost) config.mounts.push(...HOST_FOLDERS.filter((path) => existsSync(path)).map(readOnlyBind));
  writeFileSync(path, `${JSON.stringify(config, undefined, 2)}\n`);
}

function installBusybox(rootfs: string): void {
  copyFileSync(BUSYBOX, join(rootfs, 'bin/busybox'));
  const applets = execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const applet of applets.filter((name) => name !== 'busybox'))
    symlinkSync('busybox', join(rootfs, 'bin', applet));
}

function readOnlyBind(path: string) {
  return { destination: path, type: 'bind', source: path, options: ['rbind', 'ro', 'nosuid', 'nodev'] };
}
