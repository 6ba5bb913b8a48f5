/** The container's file system, from config.json: the mounts before pivot_root, and what follows it. */

import { STATX_BYTES, statx } from '../../native/calls/files.ts';
import { readLink } from '../../native/calls/read-link.ts';
import { typeOf } from '../../native/calls/stat.ts';
import { AT, S } from '../../native/constants/files.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { attempt, flush } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { isBindMount } from '../../spec/mount-options.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Config, Mount } from '../../spec/types.ts';
import { awaitAnswers } from '../answers.ts';
import { PartedBatch } from '../batch.ts';
import { enteredCgroup } from '../cgroups/entered.ts';
import { EffectError } from '../error.ts';
import { rootDescriptor } from '../init/descriptors.ts';
import { initSide, withHostSide } from '../mounts/host-side.ts';
import { withMappedNamespaces } from '../mounts/idmap-namespaces.ts';
import { performMounts } from '../mounts/perform.ts';
import { planMounts } from '../mounts/plan.ts';
import { type InnerBind, isInner, type NamespaceOf, openSources, openSourceWithin } from '../mounts/sources.ts';
import type { MountStep } from '../mounts/steps.ts';
import { hasNamespace, makesNamespace, NAMESPACE_TYPES } from '../namespaces/plan.ts';
import { inUserNamespace } from '../namespaces/user/mappings.ts';
import { hasIdmapped, needsHostSide } from '../namespaces/user/needs-host-side.ts';
import { requireSelinux } from '../process/labels.ts';
import { makeWorkingDirectory } from '../process/working-directory.ts';
import { connectedInit, type Session } from '../session.ts';
import { attachRootfs, postAttachRootfs } from './attach.ts';
import { configuredDevices, makeConfiguredDevices } from './configured-devices.ts';
import { closeDev, makeDevices, needsDevices } from './devices.ts';
import { chrootInto, moveOver, pivotInto } from './enter.ts';
import { kernelMounts } from './host-mounts.ts';
import { protectPaths } from './masks.ts';
import { finalPropagation, type Propagation, planPropagation, rootPropagation } from './propagation.ts';

/**
 * Writes the batches that `makeMounts` will post, while there is nothing else to do. If one of them depends on an
 * answer, nothing is written ahead. An error is ignored here: `makeMounts` finds it again, and reports it.
 */
export function writeMountsAhead(session: Session, record: ContainerRecord, init: Kernel): void {
  // In a user namespace making the devices waits for an answer.
  if (needsHostSide(record) || inUserNamespace(record.config)) return;
  const ahead = init.ahead?.();
  if (ahead === undefined) return;
  try {
    mountInside(session, record, ahead.kernel);
    session.mounts = ahead;
  } catch {
    // makeMounts does it without.
  }
}

/** Attaches the rootfs, and makes everything in it that needs the host's tree. @throws EffectError */
export async function makeMounts(session: Session, record: ContainerRecord): Promise<void> {
  const init = connectedInit(session);
  const { config, options } = record;
  const { mounts: ahead } = session;
  delete session.mounts;
  // Most of what follows posts. What has to wait waits for little, once the answers to what came before are there.
  if (ahead === undefined) await awaitAnswers(session.platform, init.kernel);
  ahead?.post();
  if (ahead !== undefined) init.root = rootDescriptor(options.preserveFds);
  else init.root = needsHostSide(record) ? mountFromHost(session, record) : mountInside(session, record, init.kernel);
  const devices = configuredDevices(config.linux?.devices);
  if (devices.length === 0 || !needsDevices(plainMounts(record))) return;
  await awaitAnswers(session.platform, init.kernel);
  makeConfiguredDevices(init.kernel, init.root, devices);
}

/** The mounts of the config, with absolute sources, and destinations as runc's users expect them. */
export const plainMounts = (record: ContainerRecord): readonly Mount[] =>
  (record.config.mounts ?? []).map((mount) => withPlainPaths(mount, record));

/** The steps that these mounts take on this host. @throws EffectError */
export function plannedSteps(local: Kernel, record: ContainerRecord, mounts: readonly Mount[]): readonly MountStep[] {
  const { config, rootfs } = record;
  return planMounts(mounts, {
    rootfs,
    files: boundFiles(local, mounts),
    links: boundLinks(local, mounts),
    cgroup: enteredCgroup(local, record),
    cgroupNamespace: hasNamespace(config, 'cgroup'),
    hostNamespaces: new Set(NAMESPACE_TYPES.filter((type) => !hasNamespace(config, type))),
    joinedNamespaces: new Set(
      NAMESPACE_TYPES.filter((type) => hasNamespace(config, type) && !makesNamespace(config, type)),
    ),
    label: mountLabelOf(local, config),
  });
}

/** The init mounts everything itself. @returns the rootfs, open in the init. @throws EffectError */
function mountInside({ platform: { local } }: Session, record: ContainerRecord, init: Kernel): Fd {
  const mounts = plainMounts(record);
  const steps = plannedSteps(local, record, mounts);
  if (record.owner !== 0 && hasIdmapped(record))
    throw new EffectError('id-mapped mounts are not supported for rootless containers');
  const root = attachInOrder(init, record, propagationOf(record));
  performInOrder(init, root, steps, (step) => openSourceWithin(initSide(init), root, step, withoutMappings));
  fillDev(local, record, mounts, init, root);
  return root;
}

/** An id-mapped mount is always mounted by `mountFromHost`. */
function withoutMappings(): never {
  throw new TypeError('an id-mapped mount that needs nothing of the host');
}

/** The host's side opens what is bound, and the init mounts it. @returns the rootfs, open in the init */
function mountFromHost(session: Session, record: ContainerRecord): Fd {
  const { kernel, pid } = connectedInit(session);
  const { local } = session.platform;
  const mounts = plainMounts(record);
  const steps = plannedSteps(local, record, mounts);
  const ofContainer = `/proc/${pid}/ns/user`;
  flush(kernel);
  const root = withHostSide(session, record.options.preserveFds, (host) => {
    const own = attachRootfs(host.kernel, record.rootfs, propagationOf(record));
    const [given = -1] = host.give([own]);
    withMappedNamespaces(session, (namespacePathOf) => {
      const namespaceOf: NamespaceOf = ({ mappings }) =>
        mappings === undefined ? ofContainer : namespacePathOf(mappings);
      const opened = openSources(host, steps, namespaceOf);
      performInOrder(kernel, given, opened, (step) => openSourceWithin(host, own, step, namespaceOf));
    });
    return given;
  });
  fillDev(local, record, mounts, kernel, root);
  return root;
}

/** Undefined in the host's own mount namespace: we must not change its propagation. */
const propagationOf = ({ config }: ContainerRecord): Propagation | undefined =>
  hasNamespace(config, 'mount') ? planPropagation(config.linux?.rootfsPropagation) : undefined;

function fillDev(local: Kernel, { config }: ContainerRecord, mounts: readonly Mount[], init: Kernel, root: Fd): void {
  if (!needsDevices(mounts)) return;
  const configured = new Set(configuredDevices(config.linux?.devices).map(({ path }) => path));
  makeDevices(init, root, exists(local, '/proc/kcore'), configured, inUserNamespace(config));
}

/** Posts it if no answer is needed. @returns the rootfs, open in the init. @throws EffectError */
function attachInOrder(kernel: Kernel, { rootfs, options }: ContainerRecord, propagation?: Propagation): Fd {
  if (propagation?.parent !== undefined) {
    flush(kernel);
    return attachRootfs(kernel, rootfs, propagation);
  }
  const root = rootDescriptor(options.preserveFds);
  postAttachRootfs(kernel, rootfs, propagation, root);
  return root;
}

/**
 * Performs the steps. A source that lies in the rootfs is opened only when its step is next: it is bound with what the
 * steps before it have mounted there.
 * @throws EffectError
 */
function performInOrder(
  kernel: Kernel,
  root: Fd,
  steps: readonly MountStep[],
  open: (step: InnerBind) => MountStep,
): void {
  let next: MountStep[] = [];
  for (const step of steps) {
    if (isInner(step)) {
      performMounts(kernel, root, next);
      flush(kernel);
      next = [open(step)];
    } else next.push(step);
  }
  performMounts(kernel, root, next);
}

/** Makes the rootfs the root of the init, out of whose reach the host's tree then is. @throws EffectError */
export function enterRootfs(session: Session, record: ContainerRecord): void {
  const init = connectedInit(session);
  const { config } = record;
  const { root } = init;
  if (root === undefined) throw new Error('the rootfs is not attached');
  delete init.root;
  if (!hasNamespace(config, 'mount')) {
    chrootInto(init.kernel, root);
    return;
  }
  if (record.options.noPivot) moveOver(init.kernel, root, kernelMounts(session.platform.local, record.rootfs));
  else pivotInto(init.kernel, root);
  postPropagation(init.kernel, rootPropagation(planPropagation(config.linux?.rootfsPropagation)));
}

function postPropagation(init: Kernel, calls: readonly Call[]): void {
  if (calls.length === 0) return;
  const batch = new PartedBatch();
  for (const one of calls) batch.add(one);
  batch.part('set rootfsPropagation');
  batch.post(init);
}

/**
 * Makes read-only, or masks, what the config says. The terminal has been set up before, which needs a writable /dev.
 * @throws EffectError
 */
export async function protectRootfs(session: Session, record: ContainerRecord): Promise<void> {
  const { platform } = session;
  const { kernel } = connectedInit(session);
  const { config } = record;
  await closeDev(platform, kernel, config.mounts ?? []);
  const readonlyRoot = config.root?.readonly ?? false;
  const cwd = config.process?.cwd ?? '/';
  // Once the root is read-only, nobody could make it.
  if (readonlyRoot && cwd !== '/') {
    await awaitAnswers(platform, kernel);
    makeWorkingDirectory(kernel, cwd);
  }
  await protectPaths(platform, kernel, {
    readonlyRoot,
    readonlyPaths: config.linux?.readonlyPaths ?? [],
    maskedPaths: config.linux?.maskedPaths ?? [],
    label: mountLabelOf(session.platform.local, config),
  });
  const last = hasNamespace(config, 'mount') ? finalPropagation(config.linux?.rootfsPropagation) : [];
  postPropagation(kernel, last);
}

const exists = (local: Kernel, path: string): boolean => attempt(local, statx(AT.FDCWD, path, out(STATX_BYTES))) >= 0;

/**
 * The label of the config, if there is one.
 * @throws EffectError without SELinux, in the words that runc has for the process's label. A file system would only say
 *   that it knows no such parameter
 */
function mountLabelOf(local: Kernel, { linux }: Config): string | undefined {
  const label = linux?.mountLabel;
  if (label === undefined || label === '') return undefined;
  requireSelinux(local);
  return label;
}

/**
 * A relative source of a bind starts from the bundle (config.md, "Mounts"). If a destination begins with the path of
 * the rootfs on the host, that part is dropped: runc does so, and its users rely on it.
 */
function withPlainPaths(mount: Mount, { bundle, rootfs }: ContainerRecord): Mount {
  const { source, destination } = mount;
  const inside = destination.startsWith(`${rootfs}/`) ? destination.slice(rootfs.length) : destination;
  return isBindMount(mount) && source !== undefined && !source.startsWith('/')
    ? { ...mount, source: `${bundle}/${source}`, destination: inside }
    : { ...mount, destination: inside };
}

/** What the sources of binds say that are symbolic links, as far as an option asks about them. */
function boundLinks(local: Kernel, mounts: readonly Mount[]): ReadonlyMap<string, string> {
  const asking = mounts.filter(({ options }) =>
    options?.some((one) => one === 'src-nofollow' || one === 'copy-symlink'),
  );
  return new Map(
    asking.flatMap(({ source = '' }): [string, string][] => {
      const target = readLink(local, AT.FDCWD, source);
      return target === undefined ? [] : [[source, target]];
    }),
  );
}

/** The sources of binds that are not directories: their mount points are files. */
function boundFiles(local: Kernel, mounts: readonly Mount[]): ReadonlySet<string> {
  const files = new Set<string>();
  for (const mount of mounts) {
    if (!isBindMount(mount) || mount.source === undefined) continue;
    const stat = out(STATX_BYTES);
    if (attempt(local, statx(AT.FDCWD, mount.source, stat, 0)) < 0) continue;
    if (typeOf(stat) !== S.IFDIR) files.add(mount.source);
  }
  return files;
}
