/** Makes a minimal Debian on the disk of this machine. */

import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sourcesFor } from '../vm/apt-sources.ts';

/** What README asks for, except git: the clone is made from outside. */
const FOR_BUILDING = ['nodejs', 'npm', 'gcc', 'libc6-dev', 'ca-certificates'];
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
/** The settings by which npm reaches its registry. Keys and tokens stay outside. */
const NPM_SETTINGS = ['registry', 'proxy', 'https-proxy', 'noproxy', 'strict-ssl'];

/** Makes one with a clean clone of the repository, and what building it takes. @returns the path of the root */
export async function makeRoot(folder: string, suite: string, repository: string, signal: AbortSignal) {
  const root = await makeDebian(folder, suite, FOR_BUILDING, signal);
  writeFileSync(join(root, 'root/.npmrc'), npmSettings());
  await perform('git', ['clone', '--quiet', repository, join(root, 'root/runchart')], signal);
  const changes = execFileSync('git', ['-C', repository, 'status', '--porcelain'], { encoding: 'utf8' });
  if (changes !== '') console.log('fresh: what is not committed is not tested');
  return root;
}

/**
 * @param folder an empty folder; everything is written below it
 * @returns the path of the root file system
 * @throws Error with the last line of what failed
 */
export async function makeDebian(folder: string, suite: string, packages: readonly string[], signal: AbortSignal) {
  const root = join(folder, 'root');
  const { options, lists } = sourcesFor(suite, folder);
  const flags = ['--quiet', '--mode=root', '--variant=minbase', `--include=${packages.join(',')}`, ...options];
  await perform('mmdebstrap', [...flags, suite, root, ...lists], signal);
  // Other programs may have added certificates and names to this machine. A fresh Debian on it needs them as well.
  for (const file of [CERTIFICATES, '/etc/resolv.conf', '/etc/hosts'])
    if (existsSync(file) && existsSync(dirname(join(root, file)))) copyFileSync(file, join(root, file));
  // Daemons that apt installs are not started. They would change the network of this machine, which the root shares.
  writeFileSync(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return root;
}

/** @throws if something is mounted below: removal would reach the files of the host through it */
export function removeRoot(folder: string): void {
  if (readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${folder}/`))
    throw new Error(`remove ${folder}: something is mounted below it: umount it, and remove the folder`);
  rmSync(folder, { recursive: true, force: true });
}

function npmSettings(): string {
  const found = JSON.parse(execFileSync('npm', ['config', 'list', '--json'], { encoding: 'utf8' }));
  const kept = NPM_SETTINGS.filter((name) => ![undefined, null, ''].includes(found[name]));
  return [...kept.map((name) => `${name}=${found[name]}`), `cafile=${CERTIFICATES}`, ''].join('\n');
}

/**
 * When the promise is settled, the program has ended, even if it was given up. So nobody writes to the folder any more.
 */
async function perform(program: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const child = spawn(program, args, {
    signal,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', (error: NodeJS.ErrnoException) => {
    told += `${error.message}\n`;
    if (error.code === 'ENOENT') reject(new Error(`${program} is not installed: apt-get install ${program}`));
  });
  child.once('close', resolve);
  if ((await promise) !== 0) throw new Error(`${program} failed: ${told.trim().split('\n').at(-1)}`);
}
