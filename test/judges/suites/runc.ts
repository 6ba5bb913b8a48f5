/** runc's integration tests: `tests/integration/*.bats` of a checkout of github.com/opencontainers/runc. */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { program } from '../../engines/program.ts';
import { busyboxRoot, pack, programsRoot } from '../images.ts';
import type { Room, Suite } from '../suite.ts';

const FOLDER = 'tests/integration';
/** What tests call in their Debian image, and busybox lacks. */
const DEBIAN = (
  'bash cat chmod chown chrt cp cut echo env findmnt grep head id ionice ldconfig ldd ln ls mkdir mount mv nproc ' +
  'printf ps pwd readlink rm sed seq sleep sort stat tail taskset test touch tr true umount uname wc'
).split(' ');
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

export const runc: Suite = {
  about: "runc's integration tests (bats)",
  programs: {
    bats: 'bats',
    jq: 'jq',
    gawk: 'gawk',
    busybox: 'busybox-static',
    unshare: 'util-linux',
    script: 'bsdutils',
    xz: 'xz-utils',
  },
  built: Object.fromEntries(
    ['recvtty', 'sd-helper', 'seccompagent', 'fs-idmap', 'pidfd-kill', 'remap-rootfs', 'key_label'].map((name) => [
      `tests/cmd/_bin/${name}`,
      'make test-binaries',
    ]),
  ),
  peers: ['runc', 'runc in PATH'],
  cgroups: [/^runc-cgroups-integration-test$/, /^(test_|ct|tst)/],
  files: (checkout) =>
    globSync(`${FOLDER}/*.bats`, { cwd: checkout })
      .filter((file) => !file.endsWith('/checkpoint.bats') || canCheckpoint())
      .toSorted(),
  open(room) {
    const architecture = ARCHITECTURES[process.arch] ?? process.arch;
    const bin = join(room.folder, 'bin');
    // The suite asks Go for the architecture, to name the images by it.
    program(bin, 'go', `echo ${architecture}`);
    provideImages(room, architecture);
    const env = { RUNC: room.runtime, PATH: `${bin}:${process.env.PATH}` };
    return {
      command: (file) => ({ command: 'bats', args: ['--tap', file], cwd: room.checkout, env, terminal: true }),
      close: () => undefined,
    };
  },
};

/** A CRIU that does not know the kernel fails each test of checkpoints, and some then wait for ever, with runc too. */
const canCheckpoint = (): boolean => spawnSync('criu', ['check'], { stdio: 'ignore' }).status === 0;

function provideImages({ checkout, folder }: Room, architecture: string): void {
  const archive = (name: string): string => join(checkout, FOLDER, `testdata/${name}-${architecture}.tar.xz`);
  if (!existsSync(archive('busybox'))) {
    busyboxRoot(join(folder, 'busybox'));
    pack(join(folder, 'busybox'), archive('busybox'));
  }
  if (existsSync(archive('debian'))) return;
  const root = join(folder, 'debian');
  programsRoot(root, DEBIAN);
  execFileSync('cp', ['-a', '/etc/ld.so.conf', '/etc/ld.so.conf.d', join(root, 'etc')]);
  pack(root, archive('debian'));
}
