/** podman's system tests: `test/system/*.bats` of a checkout of github.com/containers/podman. */

import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { openPodman } from '../../engines/podman/engine.ts';
import { busyboxRoot, pack } from '../images.ts';
import type { Room, Suite } from '../suite.ts';

const FOLDER = 'test/system';
/** The time that the image's file has, which a test of time zones prints. */
const MADE = 1_600_000_000;

export const podman: Suite = {
  about: "podman's system tests (bats)",
  programs: {
    bats: 'bats',
    jq: 'jq',
    podman: 'podman',
    conmon: 'conmon',
    catatonit: 'catatonit',
    socat: 'socat',
    busybox: 'busybox-static',
    unshare: 'util-linux',
  },
  built: {},
  peers: ['runc in PATH'],
  cgroups: [/^runchart-test-\d+-podman-/, /^libpod_parent$/],
  files: (checkout) => globSync(`${FOLDER}/[0-9]*.bats`, { cwd: checkout }).toSorted(),
  open(room) {
    const image = imageOf(room);
    const archive = join(room.folder, 'image.tar');
    imageRoot(room, image.tag);
    pack(join(room.folder, 'image'), archive);
    const engine = openPodman(join(room.folder, 'podman'), basename(room.runtime), room.runtime, archive);
    const env = Object.fromEntries(Object.entries(engine.env).filter((entry): entry is [string, string] => !!entry[1]));
    const changes = [
      'CMD ["/bin/echo", "This container is intended for podman CI testing"]',
      'WORKDIR /home/podman',
      'LABEL created_by=test/system/build-testimage',
      `LABEL created_at=${new Date(MADE * 1000).toISOString().replace('.000', '')}`,
    ].flatMap((change) => ['--change', change]);
    const call = (...args: readonly string[]) =>
      execFileSync('podman', args, { env: { ...process.env, ...env }, stdio: 'pipe' });
    call('rmi', 'localhost/box');
    call('import', ...changes, archive, image.name);
    return {
      command: (file) => ({ command: 'bats', args: ['--tap', file], cwd: room.checkout, env }),
      close: () => void engine.close(),
    };
  },
};

/** @returns the name of the image that all tests run, as the suite has it, and its tag */
function imageOf({ checkout }: Room): { readonly name: string; readonly tag: string } {
  const text = readFileSync(join(checkout, FOLDER, 'helpers.bash'), 'utf8');
  const part = (what: string): string => {
    const found = new RegExp(`PODMAN_TEST_IMAGE_${what}:-"?([^"}]+)"?}`).exec(text)?.[1];
    if (found === undefined) throw new Error(`${FOLDER}/helpers.bash does not say PODMAN_TEST_IMAGE_${what}`);
    return found;
  };
  const tag = part('TAG');
  return { name: `${part('REGISTRY')}/${part('USER')}/${part('NAME')}:${tag}`, tag };
}

/** The image has a file with its tag, and a program that waits. */
function imageRoot({ folder }: Room, tag: string): void {
  const root = join(folder, 'image');
  busyboxRoot(root);
  const home = join(root, 'home/podman');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'testimage-id'), `${tag}\n`);
  utimesSync(join(home, 'testimage-id'), MADE, MADE);
  writeFileSync(
    join(home, 'pause'),
    '#!/bin/sh\necho Confirmed: testimage pause invoked as $0\nwhile true; do sleep 0.1; done\n',
    { mode: 0o755 },
  );
}
