/** The container's /dev: default devices and symlinks (config-linux.md, "Default Devices", and runtime-linux.md, "Dev symbolic links"). */

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
import { Batch } from '../../native/kernel/batch.ts';
import type { Call, Kernel, Out } from '../../native/kernel/kernel.ts';
import { attempt, call, flush, perform, post, SyscallError } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { isBindMount } from '../../spec/mount-options.ts';
import { cleanInside } from '../../spec/paths.ts';
import type { Mount } from '../../spec/types.ts';
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

/** A /dev that is bound from the host is the user's own to fill. */
export const needsDevices = (mounts: readonly Mount[]): boolean =>
  !mounts.some((mount) => cleanInside(mount.destination) === '/dev' && isBindMount(mount));

/** What is made in /dev: a device or a link, and whether what is there already is as good. */
interface Node {
  readonly name: string;
  readonly device: boolean;
  readonly make: (dev: FdArg) => Call;
  readonly isRight: (stat: Out, link: string) => boolean;
}

/** The multiplexer in an old image, or of a devtmpfs: it opens the devpts that is mounted beside it. */
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

/** With everybody's permissions: a device that only root can open is not as good. */
const isDevice = (stat: Out, numbers: DeviceNumbers): boolean =>
  isCharacterDevice(stat, numbers) && (modeOf(stat) & 0o7777) === 0o666;

/**
 * In the hope that there is an empty /dev, as on a tmpfs, they are posted; what is there already is looked at where that fails.
 * @param kcore whether this kernel has /proc/kcore: then /dev/core leads to it
 * @param except paths of devices that the config has its own wishes for
 * @param hopeless mknod(2) will be forbidden
 * @throws EffectError
 */
export function makeDevices(
  init: Kernel,
  root: number,
  kcore: boolean,
  except: ReadonlySet<string>,
  hopeless: boolean,
): void {
  const wanted = nodes(kcore, except);
  if (hopeless) {
    flush(init);
    makeCarefully(init, root, wanted);
    return;
  }
  const { calls } = batchOf(root, wanted);
  const made = calls.map((one, i) => (i === OPEN || wanted[i - NODES] ? { name: one.name, args: one.args } : one));
  post(init, made, ({ results, stoppedAt }) => {
    if (stoppedAt === undefined) return;
    const errno = -(results[stoppedAt] ?? 0);
    const node = wanted[stoppedAt - NODES];
    if (node !== undefined && errno !== ERRNO.EEXIST && errno !== ERRNO.EPERM)
      throw cannotMake(node, new SyscallError(node.make(0), errno));
    const [dev = -1, before] = results;
    if (dev >= 0) attempt(init, close(dev));
    if (before !== undefined) attempt(init, umask(before));
    makeCarefully(init, root, wanted);
  });
}

/** Of `batchOf`'s calls: the one that opens /dev, and the first that makes something. */
const OPEN = 0;
const NODES = 2;

function makeCarefully(init: Kernel, root: number, wanted: readonly Node[]): void {
  let results = makeAll(init, root, wanted);
  if (results === undefined) {
    doing('make /dev', () => makePlaceholder(init, root, '/dev', 'directory'));
    results = makeAll(init, root, wanted) ?? [];
  }
  const forbidden: Node[] = [];
  const there: Node[] = [];
  wanted.forEach((node, i) => {
    const errno = -(results[i] ?? 0);
    if (errno === ERRNO.EEXIST) there.push(node);
    else if (errno === ERRNO.EPERM && node.device) forbidden.push(node);
    else if (errno > 0) throw cannotMake(node, new SyscallError(node.make(0), errno));
  });
  // Where an image has one already, only its look is refused: mknod would be too.
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

const cannotMake = ({ name }: Node, error: SyscallError): EffectError =>
  new EffectError(`make /dev/${name}: ${reasonOf(error)}`, { cause: error });

/** Opens /dev, makes what is wanted, in order, and closes /dev. */
function batchOf(root: number, wanted: readonly Node[]): PartedBatch {
  const batch = new PartedBatch();
  const dev = batch.try(openInRoot(root, '/dev', O.PATH | O.DIRECTORY));
  const before = batch.try(umask(0));
  for (const node of wanted) batch.try(node.make(dev));
  batch.try(umask(before));
  batch.try(close(dev));
  return batch;
}

/** @returns the results, in order; undefined where there is no /dev */
function makeAll(init: Kernel, root: number, wanted: readonly Node[]): readonly number[] | undefined {
  const [opened = -1, , ...results] = batchOf(root, wanted).perform(init);
  if (opened === -ERRNO.ENOENT) return undefined;
  if (opened < 0)
    throw new EffectError(`open /dev: ${reasonOf(new SyscallError(openInRoot(root, '/dev', O.PATH), -opened))}`);
  return results;
}

/**
 * Without a tmpfs on /dev, things of these names come with the image, and are not trusted to be what they should.
 * What is right stays: on a devtmpfs it is the host's own.
 */
function replaceWrong(init: Kernel, root: number, there: readonly Node[]): void {
  const look = new Batch();
  const dev = look.add(openInRoot(root, '/dev', O.PATH | O.DIRECTORY));
  const found = there.map((node) => {
    const stat = out(STATX_BYTES);
    const link = out(64);
    look.add(statx(dev, node.name, stat));
    look.try(readlinkat(dev, node.name, link));
    return { node, stat, link };
  });
  const [fd = -1] = doing('look into /dev', () => perform(init, look.calls));
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

/** A /dev that is to be read-only, now that it has been filled, the terminal's /dev/console included. In the container's root. */
export function closeDev(init: Kernel, mounts: readonly Mount[]): void {
  const dev = mounts.findLast(({ destination }) => cleanInside(destination) === '/dev');
  if (dev === undefined || isBindMount(dev)) return;
  const { attributes, recursive } = parseMountOptions(dev.options ?? []);
  if (((attributes.set | recursive.set) & MOUNT_ATTR.RDONLY) === 0) return;
  flush(init);
  doing('make /dev read-only', () => {
    const root = call(init, openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY));
    const fd = call(init, openInRoot(root, '/dev', O.PATH | O.DIRECTORY));
    perform(init, [mountSetattr(fd, '', { set: MOUNT_ATTR.RDONLY }), close(fd), close(root)]);
  });
}
