/** Makes a Debian package of a tree (deb(5), deb-control(5)). Needs dpkg-deb. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, globSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arch } from '../compiler.ts';
import { MAINTAINER_SCRIPTS } from './maintainer-scripts.ts';
import { dependencies } from './needs.ts';

const ARCHITECTURE: Readonly<Record<Arch, string>> = { x64: 'amd64', arm64: 'arm64' };

interface Order {
  readonly arch: Arch;
  readonly date: Date;
  readonly version: string;
  /** Where the package goes. */
  readonly into: string;
  readonly work: string;
}

/** @returns the path of the package */
export function buildDebianPackage(tree: string, { arch, date, version, into, work }: Order): string {
  const root = join(work, 'debian');
  const file = join(into, `runchart_${version}_${ARCHITECTURE[arch]}.deb`);
  mkdirSync(join(root, 'DEBIAN'), { recursive: true });
  execFileSync('cp', ['--archive', tree, join(root, 'usr')]);
  const { sums, kilobytes } = contentsOf(root);
  const depends = dependencies(join(root, 'usr/lib/runchart'));
  writeFileSync(join(root, 'DEBIAN/md5sums'), sums);
  writeFileSync(join(root, 'DEBIAN/control'), control({ arch, version, kilobytes, depends }));
  for (const [name, text] of MAINTAINER_SCRIPTS) writeFileSync(join(root, 'DEBIAN', name), text, { mode: 0o755 });
  for (const path of globSync('**/', { cwd: root })) chmodSync(join(root, path), 0o755);
  // Whoever has the C library that the engine needs has a dpkg that knows zstd. One thread, since the output depends on
  // their number.
  const options = ['--root-owner-group', '-Zzstd', '-z9', '--threads-max=1'];
  execFileSync('dpkg-deb', [...options, '--build', root, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(date.getTime() / 1000) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return file;
}

/** @returns the text of md5sums, and the size when it is installed */
function contentsOf(root: string): { readonly sums: string; readonly kilobytes: number } {
  const paths = globSync('usr/**/*', { cwd: root }).sort();
  const files = paths.filter((path) => lstatSync(join(root, path)).isFile());
  const sumOf = (path: string): string =>
    createHash('md5')
      .update(readFileSync(join(root, path)))
      .digest('hex');
  return {
    sums: files.map((path) => `${sumOf(path)}  ${path}\n`).join(''),
    kilobytes: files.reduce((sum, path) => sum + Math.ceil(lstatSync(join(root, path)).size / 1024), 0),
  };
}

interface Facts {
  readonly arch: Arch;
  readonly version: string;
  readonly kilobytes: number;
  readonly depends: string;
}

const control = ({ arch, version, kilobytes, depends }: Facts): string => `Package: runchart
Version: ${version}
Architecture: ${ARCHITECTURE[arch]}
Maintainer: the runchart authors <runchart@localhost>
Installed-Size: ${kilobytes}
Depends: ${depends}
Recommends: uidmap
Suggests: criu, podman | containerd | docker.io
Section: admin
Priority: optional
Description: OCI container runtime whose lifecycle is a statechart
 runchart makes containers from OCI bundles: podman, containerd and docker can
 call it wherever they call runc. It has runc's commands, flags and outputs.
 .
 Its own idea: the life of a container is a state machine that one can draw,
 watch, and test other runtimes by.
`;
