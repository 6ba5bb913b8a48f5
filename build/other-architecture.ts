/** Brings npm packages that npm leaves out on this machine, since they are for the other architecture. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Arch, BUN_PACKAGES, hostArch } from './compiler.ts';

/** Makes sure that what `link` needs for an architecture is in node_modules. @throws Error */
export function provideArchitecture(root: string, arch: Arch): void {
  if (arch === hostArch()) return;
  for (const name of [BUN_PACKAGES[arch], `@koromix/koffi-linux-${arch}`]) installPackage(root, name);
}

/** Installs a package in the version of the lock file, and checks that it is the one that was locked. */
function installPackage(root: string, name: string): void {
  const folder = join(root, 'node_modules', name);
  if (existsSync(folder)) return;
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const { version, integrity } = packages[`node_modules/${name}`];
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(`${folder}-`);
  try {
    const packed = execFileSync('npm', ['pack', '--silent', `${name}@${version}`], { cwd: work, encoding: 'utf8' });
    const archive = join(work, packed.trim());
    const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (found !== integrity) throw new Error(`${name}@${version} is not what package-lock.json names`);
    execFileSync('tar', ['-xzf', archive, '-C', work]);
    renameSync(join(work, 'package'), folder);
  } finally {
    rmSync(work, { recursive: true });
  }
}
