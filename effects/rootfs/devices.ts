/**
 * The container's /dev: default devices and symlinks (config-linux.md, "Default Devices", and runtime-linux.md, "Dev
 * symbolic links").
 */

import {
  close,
  type FdArg,
  mknodat,
  openat,
  readlinkat,
  STATX_BYTES,
  statx,
  symlinkat,
  unlinkat,
} from '../../native/calls/files.ts';
import { mountSetattr } from '../../native/calls/mounts.ts';
import { umask } from '../../native/calls/process.ts';
import { type DeviceNumbers, deviceNumber, isCharacterDevice, modeOf, NULL_DEVICE } from '../../native/calls/stat.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O, S } from '../../native/constants/files.ts';
import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Call, Kernel, Out, ResultRef } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { opened } from '../../native/kernel/owned.ts';
import { attempt, call, failureOf, flush, perform, post, SyscallError } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { isBindMount } from '../../spec/mount-options.ts';
import { cleanInside } from '../../spec/paths.ts';
import type { Mount } from '../../spec/types.ts';
import { awaitAnswers, type Waiting } from '../answers.ts';
import { PartedBatch } from '../batch.ts';
import { doing, EffectError, reasonOf } from '../error.ts';
import { parseMountOptions } from '../mounts/options.ts';
import { makePlaceholder, openInRoot } from '../paths/in-root.ts';
import { bindDevices } from './bound-devices.ts';

export const DEFAULT_DEVICES: readonly ({ readonly name: string } & DeviceNumbers)[] = [
  { name: 'null', ...NULL_DEVICE },
  { name: 'zero', major: 1, minor: 5 },
  { name: 'full', major: 1, minor: 7 },
  { name: 'random', major: 1, minor: 8 },
  { name: 'urandom', major: 1, minor: 9 },
  { name: 'tty', major: 5, minor: 0 },
];

const LINKS: readonly (readonly [name: string, target: string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['ptmx', 'pts/ptmx'],
];
const CORE = ['core', '/proc/kcore'] as const;

/** Whether the container's /dev is ours to fill. If it is bound from the host, the user fills it. */
export const needsDevices = (mounts: readonly Mount[]): boolean =>
  !mounts.some((mount) => cleanInside(mount.destination) === '/dev' && isBindMount(mount));

/** What is made in /dev: a device or a link. */
interface Node {
  readonly name: string;
  readonly device: boolean;
  readonly make: (dev: FdArg) => Call;
  /** Whether what is there already is as good. @param link its text, if it is a symlink */
  readonly isRight: (stat: Out, link: string) => boolean;
}

/** An old image, or a devtmpfs, has the multiplexer itself: it opens the devpts that is mounted beside it. */
const PTMX = { major: 5, minor: 2 } as const;

const nodes = (kcore: boolean, except: ReadonlySet<string>): readonly Node[] => [
  ...DEFAULT_DEVICES.filter(({ name }) => !except.has(`/dev/${name}`)).map(
    ({ name, major, minor }): Node => ({
      name,
      device: true,
      make: (dev) => mknodat(dev, name, S.IFCHR | 0o666, deviceNumber(major, minor)),
      isRight: (stat) => isDevice(stat, { major, minor }),
    }),
  ),
  ...(kcore ? [...LINKS, CORE] : LINKS).map(
    ([name, target]): Node => ({
      name,
      device: false,
      make: (dev) => symlinkat(target, dev, name),
      isRight: (stat, link) => link === target || (name === 'ptmx' && isDevice(stat, PTMX)),
    }),
  ),
];

/** Whether it is that device, with everybody's permissions: a device that only root can open is not as good. */
const isDevice = (stat: Out, numbers: DeviceNumbers): boolean =>
  isCharacterDevice(stat, numbers) && (modeOf(stat) & 0o7777) === 0o666;

/**
 * Posts a batch that makes all of them in an empty /dev, such as a new tmpfs. If that batch stops, this looks at what
 * is there already.
 * @param kcore whether this kernel has /proc/kcore: then /dev/core is a link to it
 * @param except paths of devices that the config describes itself
 * @param forbidden mknod(2) will fail with EPERM: do not try all at once
 * @throws EffectError
 */
export function makeDevices(
  init: Kernel,
  root: Fd,
  kcore: boolean,
  except: ReadonlySet<string>,
  forbidden: boolean,
): void {
  const wanted = nodes(kcore, except);
  if (forbidden) {
    flush(init);
    makeCarefully(init, root, wanted);
    return;
  }
  const filling = fillingOf(root, wanted, 'add');
  post(init, filling.calls, (outcome) => {
    const error = failureOf(filling.calls, outcome);
    if (error === undefined) return;
    const failed = filling.made.find(({ result }) => result.index === error.index);
    const { errno } = error;
    if (failed !== undefined && errno !== ERRNO.EEXIST && errno !== ERRNO.EPERM) throw cannotMake(failed.node, errno);
    const dev = resultOf(outcome.results, filling.dev);
    if (dev >= 0) {
      attempt(init, close(dev));
      attempt(init, umask(resultOf(outcome.results, filling.before)));
    }
    makeCarefully(init, root, wanted);
  });
}

/** Makes them one by one, and copes with what is there and with what is forbidden. @throws EffectError */
function makeCarefully(init: Kernel, root: Fd, wanted: readonly Node[]): void {
  let made = makeAll(init, root, wanted);
  if (made === undefined) {
    doing('make /dev', () => makePlaceholder(init, root, '/dev', 'directory'));
    made = makeAll(init, root, wanted) ?? [];
  }
  const forbidden: Node[] = [];
  const there: Node[] = [];
  for (const { node, errno } of made) {
    if (errno === ERRNO.EEXIST) there.push(node);
    else if (errno === ERRNO.EPERM && node.device) forbidden.push(node);
    else if (errno > 0) throw cannotMake(node, errno);
  }
  // If mknod(2) is forbidden for one device, it is for all. For those that the image has, EEXIST came first.
  const bound = forbidden.length > 0 ? [...forbidden, ...there.filter(({ device }) => device)] : [];
  if (bound.length > 0)
    bindDevices(
      init,
      root,
      bound.map(({ name }) => ({ path: `/dev/${name}`, source: `/dev/${name}` })),
    );
  const left = there.filter((node) => !bound.includes(node));
  if (left.length > 0) replaceWrong(init, root, left);
}

function cannotMake({ name, make }: Node, errno: number): EffectError {
  const error = new SyscallError(make(0), errno);
  return new EffectError(`make /dev/${name}: ${reasonOf(error)}`, { cause: error, about: { path: `/dev/${name}` } });
}

/** The calls that open /dev, make what is wanted, and close /dev. */
interface Filling {
  readonly calls: readonly Call[];
  readonly dev: ResultRef<Fd>;
  /** The umask as it was before. */
  readonly before: ResultRef;
  readonly made: readonly { readonly node: Node; readonly result: ResultRef }[];
}

/** @param how `add`: the batch stops at the first node that cannot be made. `try`: it makes the others */
function fillingOf(root: Fd, wanted: readonly Node[], how: 'add' | 'try'): Filling {
  const batch = new Batch();
  const dev = batch[how](openInRoot(root, '/dev', O.PATH | O.DIRECTORY));
  const before = batch.try(umask(0));
  const made = wanted.map((node) => ({ node, result: batch[how](node.make(dev)) }));
  batch.try(umask(before));
  batch.try(close(dev));
  return { calls: batch.calls, dev, before, made };
}

/** @returns for each node 0 or errno; undefined if there is no /dev. @throws EffectError */
function makeAll(
  init: Kernel,
  root: Fd,
  wanted: readonly Node[],
): readonly { readonly node: Node; readonly errno: number }[] | undefined {
  const { calls, dev, made } = fillingOf(root, wanted, 'try');
  const { results } = init.submit(calls);
  const fd = resultOf(results, dev);
  if (fd === -ERRNO.ENOENT) return undefined;
  if (fd < 0) throw new EffectError(`open /dev: ${reasonOf(new SyscallError(openInRoot(root, '/dev', O.PATH), -fd))}`);
  return made.map(({ node, result }) => ({ node, errno: Math.max(0, -resultOf(results, result)) }));
}

/**
 * Replaces what is there under these names and is not what it should be. Without a tmpfs on /dev it comes with the
 * image, and is not to be trusted. What is right stays: on a devtmpfs it is the host's own.
 */
function replaceWrong(init: Kernel, root: Fd, there: readonly Node[]): void {
  const look = new Batch();
  const dev = look.add(openInRoot(root, '/dev', O.PATH | O.DIRECTORY));
  const found = there.map((node) => {
    const stat = out(STATX_BYTES);
    const link = out(64);
    look.add(statx(dev, node.name, stat));
    look.try(readlinkat(dev, node.name, link));
    return { node, stat, link };
  });
  const fd = resultOf(
    doing('look into /dev', () => perform(init, look.calls)),
    dev,
  );
  const wrong = found.filter(({ node, stat, link }) => !node.isRight(stat, textOf(link)));
  const batch = new PartedBatch();
  const before = batch.add(umask(0));
  for (const { node } of wrong) {
    batch.add(unlinkat(fd, node.name));
    batch.add(node.make(fd));
    batch.part(`replace /dev/${node.name} of the image`);
  }
  batch.add(umask(before));
  batch.add(close(fd));
  batch.perform(init);
}

const textOf = ({ bytes }: Out): string => new TextDecoder().decode(bytes).replace(/\0+$/, '');

/**
 * Makes a /dev read-only that the config wants read-only, now that it has been filled, with the terminal's /dev/console
 * too. The init is in the container's root.
 * @throws EffectError
 */
export async function closeDev(platform: Waiting, init: Kernel, mounts: readonly Mount[]): Promise<void> {
  const dev = mounts.findLast(({ destination }) => cleanInside(destination) === '/dev');
  if (dev === undefined || isBindMount(dev)) return;
  const { attributes, recursive } = parseMountOptions(dev.options ?? []);
  if (((attributes.set | recursive.set) & MOUNT_ATTR.RDONLY) === 0) return;
  await awaitAnswers(platform, init);
  doing('make /dev read-only', () => {
    using root = opened(init, openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY));
    using mounted = opened(init, openInRoot(root.fd, '/dev', O.PATH | O.DIRECTORY));
    call(init, mountSetattr(mounted.fd, '', { set: MOUNT_ATTR.RDONLY }));
  });
}
