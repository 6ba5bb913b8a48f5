/**
 * Makes the test machine's disk, kernel and first root file system. They are made once, and kept outside the repository
 * in `~/.cache/runchart` (or XDG_CACHE_HOME), under the name of the recipe.
 */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ownSources, sourcesFor } from './apt-sources.ts';
import { makeFileSystem } from './file-system.ts';
import { writeFirstRoot } from './first-root.ts';
import { loadOrder } from './modules.ts';
import { type Recipe, recipeKey } from './recipe.ts';

export interface Image {
  readonly kernel: string;
  readonly initrd: string;
  /** A raw disk with the root file system. */
  readonly disk: string;
}

/** The image cannot be made because something outside is missing: the packages cannot be had. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

const DISK_SIZE = '3G';
const KEEP_MS = 7 * 24 * 3600 * 1000;

/** @throws UnreachableError; Error with the last lines that were printed */
export async function testImage(recipe: Recipe, cache: string, stop: AbortSignal): Promise<Image> {
  const folder = join(cache, `vm-${recipeKey({ ...recipe, makes: 1, size: DISK_SIZE })}`);
  mkdirSync(cache, { recursive: true });
  if (!existsSync(folder)) {
    console.log('test machine: making its image; this is done once');
    removeOld(cache);
    const work = mkdtempSync(join(cache, 'making-'));
    try {
      await make(recipe, work, stop);
      // Another run may have made it meanwhile.
      if (!existsSync(folder)) renameSync(work, folder);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  utimesSync(folder, new Date(), new Date());
  return { kernel: join(folder, 'vmlinuz'), initrd: join(folder, 'initrd.gz'), disk: join(folder, 'root.img') };
}

/** Removes what was not used for a week, and what a run that was ended has left. */
function removeOld(cache: string): void {
  for (const name of readdirSync(cache).filter((entry) => /^(vm|making)-/.test(entry))) {
    const path = join(cache, name);
    if (Date.now() - statSync(path).mtimeMs > KEEP_MS) rmSync(path, { recursive: true, force: true });
  }
}

async function make(recipe: Recipe, work: string, stop: AbortSignal): Promise<void> {
  const root = join(work, 'root');
  for (const [path, text] of Object.entries(recipe.files)) {
    const file = join(work, 'files', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const { suite, options, lists } = recipe.suite === undefined ? ownSources() : sourcesFor(recipe.suite, work);
  const args = [
    ...['--quiet', '--mode=root', '--variant=essential', '--format=directory', '--aptopt=Acquire::Languages "none"'],
    ...options,
    ...recipe.leftOut.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    `--include=${recipe.packages.join(',')}`,
    `--customize-hook=cp -R ${join(work, 'files')}/. "$1"`,
    `--customize-hook=${kernelHook(recipe.kernel)}`,
    ...recipe.hooks.map((hook) => `--customize-hook=${hook}`),
    ...[suite, root, ...lists],
  ];
  await run('mmdebstrap', args, join(work, 'log'), stop);
  await takeBootFiles(recipe, root, work);
  await makeFileSystem(root, join(work, 'root.img'), DISK_SIZE);
  rmSync(root, { recursive: true });
  rmSync(join(work, 'files'), { recursive: true });
}

/** Names of packages with a version: those without are only names for the newest. */
const PARTS = 'linux-\\\\(image\\\\|binary\\\\|modules\\\\)-[0-9][^ ]*';

/** The kernel is only unpacked. Installing it makes a first root file system, which takes longer than all the rest. */
const kernelHook = (name: string): string =>
  [
    'export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"',
    'mkdir "$1/unpacked" && cd "$1/unpacked"',
    // Newer kernels are parted: the image, its modules, and what names both.
    `packages=$(apt-cache depends --recurse --important ${name} |` +
      ` sed -n "s/.*Depends: \\(${PARTS}\\)$/\\1/p" | sort -u)`,
    'apt-get -qq -o APT::Sandbox::User=root download $packages && for p in *.deb; do dpkg-deb -x $p . || exit 1; done',
    // Newer packages have all of it below usr/.
    'mv "$(ls boot/vmlinuz-* usr/lib/modules/*/vmlinuz 2>/dev/null)" "$1/boot/vmlinuz"',
    'mkdir -p "$1/usr/lib/modules" && mv $(ls -d usr/lib/modules/* lib/modules/* 2>/dev/null) "$1/usr/lib/modules"',
    'chroot "$1" depmod "$(ls "$1/usr/lib/modules")" && rm -r "$1/unpacked"',
  ].join(' && ');

async function takeBootFiles({ bootModules }: Recipe, root: string, work: string): Promise<void> {
  const [version = ''] = readdirSync(join(root, 'usr/lib/modules'));
  const modules = join(root, 'usr/lib/modules', version);
  const order = loadOrder(readFileSync(join(modules, 'modules.dep'), 'utf8'), bootModules);
  writeFirstRoot(work, {
    init: initScript(order.map((path) => basename(path))),
    busybox: join(root, 'usr/bin/busybox'),
    modules: order.map((path) => join(modules, path)),
  });
  renameSync(join(root, 'boot/vmlinuz'), join(work, 'vmlinuz'));
}

const initScript = (modules: readonly string[]): string =>
  [
    '#!/bin/busybox sh',
    '/bin/busybox mount -t devtmpfs dev /dev',
    ...modules.map((file) => `/bin/busybox insmod /modules/${file}`),
    'i=0',
    'while [ ! -b /dev/vda ] && [ $i -lt 300 ]; do /bin/busybox sleep 0.1; i=$((i+1)); done',
    '/bin/busybox mount -t ext4 /dev/vda /root || echo "no root file system"',
    '/bin/busybox mount -o move /dev /root/dev',
    'exec /bin/busybox switch_root /root /sbin/init',
    '',
  ].join('\n');

const UNREACHABLE = /Failed to fetch|Could not (?:resolve|connect)|Temporary failure|Unable to locate package/;

async function run(program: string, args: readonly string[], log: string, stop: AbortSignal): Promise<void> {
  const child = spawn('nice', ['-n', '19', program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: stop,
    env: { ...process.env, LC_ALL: 'C' },
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      printed += data;
    });
  const status = await new Promise((resolve, reject) => {
    // A program that was stopped is waited for, so that nobody writes to the folder when it is removed.
    child.once('error', (error) => {
      if (!stop.aborted) reject(error);
    });
    child.once('close', resolve);
  });
  writeFileSync(log, printed);
  if (status === 0) return;
  const last = printed.trim().split('\n').slice(-15).join('\n');
  if (UNREACHABLE.test(printed)) throw new UnreachableError(last.split('\n').find((line) => UNREACHABLE.test(line)));
  throw new Error(`${program} failed (${status}):\n${last}`);
}
