/** The container's file system, from config.json: the mounts before pivot_root, and what follows it. */

import { STATX_BYTES, statx } from '../../native/calls/files.ts';
import { typeOf } from '../../native/calls/stat.ts';
import { AT, S } from '../../native/constants/files.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { attempt, flush } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { isBindMount } from '../../spec/mount-options.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Config, Mount } from '../../spec/types.ts';
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
 * Writes what makeMounts will post, while there is nothing else to do. What has to look at something first is not written
 * ahead, nor what is wrong: that is found again, and said, when the mounts are made.
 */
export function writeMountsAhead(session: Session, record: ContainerRecord, init: Kernel): void {
  // In a user namespace devices are looked at first.
  if (needsHostSide(record) || inUserNamespace(record.config)) return;
  const ahead = init.ahead?.();
  if (ahead === undefined) return;
  try {
    mountInside(session, record, ahead.kernel);
    session.mounts = ahead;
  } catch {
    // It is made in its own time.
  }
}

/** Attaches the rootfs and makes everything in it that the host's tree is needed for. @throws EffectError */
export function makeMounts(session: Session, record: ContainerRecord): void {
  const init = connectedInit(session);
  const { config, options } = record;
  const { mounts: ahead } = session;
  delete session.mounts;
  ahead?.post();
  if (ahead !== undefined) init.root = rootDescriptor(options.preserveFds);
  else init.root = needsHostSide(record) ? mountFromHost(session, record) : mountInside(session, record, init.kernel);
  const devices = configuredDevices(config.linux?.devices);
  if (devices.length === 0 || !needsDevices(plainMounts(record))) return;
  flush(init.kernel);
  makeConfiguredDevices(init.kernel, init.root, devices);
}

/** The mounts of the config, by what runc's users rely on. */
export const plainMounts = (record: ContainerRecord): readonly Mount[] =>
  (record.config.mounts ?? []).map((mount) => withPlainPaths(mount, record));

/** What these mounts come to on this host. @throws EffectError */
export function plannedSteps(local: Kernel, record: ContainerRecord, mounts: readonly Mount[]): readonly MountStep[] {
  const { config, rootfs } = record;
  return planMounts(mounts, {
    rootfs,
    files: boundFiles(local, mounts),
    cgroup: enteredCgroup(local, record),
    cgroupNamespace: hasNamespace(config, 'cgroup'),
    hostNamespaces: new Set(NAMESPACE_TYPES.filter((type) => !hasNamespace(config, type))),
    joinedNamespaces: new Set(
      NAMESPACE_TYPES.filter((type) => hasNamespace(config, type) && !makesNamespace(config, type)),
    ),
    label: mountLabelOf(local, config),
  });
}

/** @returns the rootfs, opened in the init */
function mountInside({ platform: { local } }: Session, record: ContainerRecord, init: Kernel): number {
  const mounts = plainMounts(record);
  const steps = plannedSteps(local, record, mounts);
  if (record.owner !== 0 && hasIdmapped(record))
    throw new EffectError('id-mapped mounts are not supported for rootless containers');
  const root = attachInOrder(init, record, propagationOf(record));
  performInOrder(init, root, steps, (step) => openSourceWithin(initSide(init), root, step, withoutMappings));
  fillDev(local, record, mounts, init, root);
  return root;
}

/** Whatever has ids to be mapped is mounted from the host's side. */
function withoutMappings(): never {
  throw new TypeError('an id-mapped mount that needs nothing of the host');
}

/** The same where the host's side has to open what is mounted. */
function mountFromHost(session: Session, record: ContainerRecord): number {
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

/** In the host's own mount namespace its propagation is not ours to change. */
const propagationOf = ({ config }: ContainerRecord): Propagation | undefined =>
  hasNamespace(config, 'mount') ? planPropagation(config.linux?.rootfsPropagation) : undefined;

function fillDev(
  local: Kernel,
  { config }: ContainerRecord,
  mounts: readonly Mount[],
  init: Kernel,
  root: number,
): void {
  if (!needsDevices(mounts)) return;
  const configured = new Set(configuredDevices(config.linux?.devices).map(({ path }) => path));
  makeDevices(init, root, exists(local, '/proc/kcore'), configured, inUserNamespace(config));
}

function attachInOrder(kernel: Kernel, { rootfs, options }: ContainerRecord, propagation?: Propagation): number {
  if (propagation?.parent !== undefined) {
    flush(kernel);
    return attachRootfs(kernel, rootfs, propagation);
  }
  const root = rootDescriptor(options.preserveFds);
  postAttachRootfs(kernel, rootfs, propagation, root);
  return root;
}

/** What lies in the rootfs is bound as the steps before have made it. @throws EffectError */
function performInOrder(
  kernel: Kernel,
  root: number,
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

/** Makes the rootfs the root, and takes away what the container must not have of it. @throws EffectError */
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

/** After the terminal has been set up, which needs a writable /dev. @throws EffectError */
export function protectRootfs(session: Session, record: ContainerRecord): void {
  const { kernel } = connectedInit(session);
  const { config } = record;
  closeDev(kernel, config.mounts ?? []);
  const readonlyRoot = config.root?.readonly ?? false;
  const cwd = config.process?.cwd ?? '/';
  // Afterwards nobody could.
  if (readonlyRoot && cwd !== '/') makeWorkingDirectory(kernel, cwd);
  protectPaths(kernel, {
    readonlyRoot,
    readonlyPaths: config.linux?.readonlyPaths ?? [],
    maskedPaths: config.linux?.maskedPaths ?? [],
  });
  const last = hasNamespace(config, 'mount') ? finalPropagation(config.linux?.rootfsPropagation) : [];
  postPropagation(kernel, last);
}

const exists = (local: Kernel, path: string): boolean => attempt(local, statx(AT.FDCWD, path, out(STATX_BYTES))) >= 0;

/** @throws EffectError in runc's words for the process's label: without SELinux, a file system would only call it unknown */
function mountLabelOf(local: Kernel, { linux }: Config): string | undefined {
  const label = linux?.mountLabel;
  if (label === undefined || label === '') return undefined;
  requireSelinux(local);
  return label;
}

/**
 * A bind's relative source is relative to the bundle (config.md, "Mounts"). A destination that begins with the rootfs's own
 * path is below it, not below a copy of that path: as with runc, whose users rely on it.
 */
function withPlainPaths(mount: Mount, { bundle, rootfs }: ContainerRecord): Mount {
  const { source, destination } = mount;
  const inside = destination.startsWith(`${rootfs}/`) ? destination.slice(rootfs.length) : destination;
  return isBindMount(mount) && source !== undefined && !source.startsWith('/')
    ? { ...mount, source: `${bundle}/${source}`, destination: inside }
    : { ...mount, destination: inside };
}

/** Which sources are not directories: their mount points are files. */
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
