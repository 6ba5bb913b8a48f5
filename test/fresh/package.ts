/**
 * The life of the Debian package on a fresh Debian: `npm run test:package`.
 *
 *   test:package -- [bookworm | trixie]…
 *
 * It builds the package, makes a minimal Debian with podman for each release, and there installs it, runs containers by
 * podman, upgrades it under a running one, and purges it (package.sh). It takes some minutes, and is no part of `npm
 * test`. It needs root and mmdebstrap, and the network as apt on this machine is set to use it.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { boxArchive } from '../engines/box.ts';
import { Inside } from './inside.ts';
import { makeDebian, removeRoot } from './root.ts';

/** What the package depends on, and podman with what it needs to run a container. */
const PACKAGES = ['libseccomp2', 'podman', 'conmon', 'catatonit', 'iptables'];

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal));
if (process.getuid?.() !== 0) {
  console.error('package: to make and enter a root file system needs root: run "sudo npm run test:package"');
  process.exit(1);
}

const work = mkdtempSync(join(tmpdir(), 'runchart-fresh-'));
try {
  const packages = makePackages();
  const suites = process.argv.length > 2 ? process.argv.slice(2) : ['bookworm', 'trixie'];
  for (const suite of suites) if (!stop.signal.aborted && !(await lives(suite, packages))) process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true });
}

/** @returns the paths of the package, and of a later version of it */
function makePackages(): readonly string[] {
  const repository = join(import.meta.dirname, '../..');
  const bun = join(repository, 'node_modules/.bin/bun');
  execFileSync(bun, ['build/package/package.ts', '--arch', process.arch, '--into', work], { cwd: repository });
  const architecture = process.arch === 'x64' ? 'amd64' : 'arm64';
  const name = execFileSync('sh', ['-c', `ls ${work}/*_${architecture}.deb`], { encoding: 'utf8' }).trim();
  const unpacked = join(work, 'unpacked');
  execFileSync('dpkg-deb', ['-R', name, unpacked]);
  const control = join(unpacked, 'DEBIAN/control');
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*/m, '$&+later'));
  const later = join(work, 'later.deb');
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zzstd', '-z1', '--build', unpacked, later], { stdio: 'ignore' });
  rmSync(unpacked, { recursive: true });
  return [name, later];
}

async function lives(suite: string, packages: readonly string[]): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'runchart-fresh-'));
  try {
    console.log(`${suite}: making a root file system with podman`);
    const root = await makeDebian(folder, suite, PACKAGES, stop.signal);
    mkdirSync(join(folder, 'box'));
    const files = [...packages, boxArchive(join(folder, 'box')), join(import.meta.dirname, 'package.sh')];
    for (const file of files) copyFileSync(file, join(root, 'root', basename(file)));
    await using inside = new Inside(root, stop.signal);
    const names = files.slice(0, -1).map((file) => `/root/${basename(file)}`);
    const { status, output, seconds } = await inside.run(`sh /root/package.sh ${names.join(' ')}`);
    console.log(output.trimEnd().replace(/^/gm, '    '));
    console.log(`${suite}: ${status === 0 ? 'passed' : 'FAILED'} in ${seconds.toFixed(0)} s`);
    return status === 0;
  } catch (error) {
    console.log(`${suite}: FAILED: ${error instanceof Error ? error.message : error}`);
    return false;
  } finally {
    removeRoot(folder);
  }
}
