/**
 * `create`: makes a container's record from its bundle, makes its directory, and asks its machine to create it. `run`
 * and `restore` do this too.
 */

import { refuseUsed } from '../../effects/cgroups/create.ts';
import { type CgroupLayout, detectLayout } from '../../effects/cgroups/layout.ts';
import { ignoredResources } from '../../effects/cgroups/limits/ignored.ts';
import { type CgroupPlanInput, memberDirectory } from '../../effects/cgroups/paths.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import type { Restoration } from '../../effects/criu/restoration.ts';
import { doing, EffectError, reasonOf } from '../../effects/error.ts';
import { makesNamespace, namespacesAhead } from '../../effects/namespaces/plan.ts';
import { lacksMappings } from '../../effects/namespaces/user/mappings.ts';
import { runsInUserNamespace } from '../../effects/namespaces/user/read-mappings.ts';
import { linksOf } from '../../effects/paths/links.ts';
import { readSmallFile } from '../../effects/paths/proc.ts';
import { capabilityWarnings } from '../../effects/process/capabilities.ts';
import type { Inheritance } from '../../effects/session.ts';
import { STATX_BYTES, statx } from '../../native/calls/files.ts';
import { typeOf } from '../../native/calls/stat.ts';
import { AT, S } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, isErrno } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { checkContainerId } from '../../spec/id.ts';
import type { ContainerOptions, ContainerRecord } from '../../spec/record.ts';
import type { Config } from '../../spec/types.ts';
import { parseConfig } from '../../spec/validate.ts';
import { newContainer } from '../container/access.ts';
import { STARTING_PROCESS, succeed } from '../container/answers.ts';
import type { Container } from '../container/container.ts';
import type { Context } from '../container/context.ts';
import { beginCreation } from '../container/creation-effects.ts';
import { optionsFor } from '../container/open.ts';
import { managerCgroup } from '../container/systemd.ts';
import type { Host } from '../host/host.ts';
import { exists } from '../store/error.ts';

export interface CreateRequest {
  readonly id: string;
  /** Absolute path of the bundle. */
  readonly bundle: string;
  /** A config that has been validated. By default the bundle's config.json is read. */
  readonly config?: Config;
  readonly noPivot?: boolean;
  readonly noNewKeyring?: boolean;
  readonly inheritance: Inheritance;
  /** The caller will start the container next, by what it gets from here. */
  readonly startsAtOnce?: boolean;
  /** The caller will start it by what it gets from here, now or later. */
  readonly startsHere?: boolean;
  /** The command's NOTIFY_SOCKET. The container's process gets a socket of its own, to say that it is ready. */
  readonly notifySocket?: string | undefined;
  /** For `restore`: the processes come from images, and run at once. */
  readonly restoration?: Restoration | undefined;
}

const CONFIG_LIMIT = 64 << 20;

/** @throws SpecError, EffectError */
export async function readConfig(kernel: Kernel, bundle: string): Promise<Config> {
  let text: string;
  try {
    text = readSmallFile(kernel, `${bundle}/config.json`, CONFIG_LIMIT);
  } catch (error) {
    if (isErrno(error, 'ENOENT'))
      throw new EffectError(`JSON specification file config.json not found in ${bundle}`, { cause: error });
    throw new EffectError(`read ${bundle}/config.json: ${reasonOf(error)}`, { cause: error });
  }
  return parseConfig(text);
}

/**
 * Creates a container, whose init then waits for `start`; or restores one.
 * @returns the container, locked. The caller goes on with it, and closes it
 * @throws Error of one line. Nothing is left then
 */
export async function createContainer(context: Context, request: CreateRequest): Promise<Container> {
  checkContainerId(request.id);
  const { local } = context.platform;
  const given = request.config ?? (await readConfig(local, request.bundle));
  const read = lacksMappings(given) ? (await import('./default-mappings.ts')).mapped(context, given) : given;
  const directory = `${context.root}/${request.id}`;
  const notify = request.notifySocket ? await import('../../effects/handover/notify.ts') : undefined;
  const config = notify?.withNotifySocket(read, directory) ?? read;
  const { intelRdt } = config.linux ?? {};
  const resctrl = intelRdt && (await import('../../effects/resctrl/plan.ts')).planResctrl(local, request.id, intelRdt);
  const rootless = hasRootlessCgroups(context);
  const layout = detectLayout(local);
  if (request.restoration === undefined) enterAhead(context, config, layout);
  const manager = rootless && context.systemdCgroup ? await managerCgroup(context) : undefined;
  const planned = planRecord(context, request, config, layout, {
    rootless,
    ...(manager && { managerCgroup: manager }),
  });
  const record: ContainerRecord = { ...planned, ...(resctrl && { resctrl }) };
  for (const warning of warningsOf(record)) context.warn(warning);
  const { restoration } = request;
  const container = await newContainer(optionsFor(context, request.id, request, beginCreation), record);
  try {
    notify?.makeNotifyFolder(local, directory);
    const answer = await container.request(
      restoration === undefined ? { type: 'create' } : { type: 'restore', restoration },
    );
    const accept = () => succeed(context, answer);
    if (restoration === undefined && answer.outcome === 'failed') doing(STARTING_PROCESS, accept);
    else accept();
    if (isHardToEnd(container.record)) context.warn(HARD_TO_END);
    return container;
  } catch (error) {
    container.close();
    throw error;
  }
}

/** What the config asks for and this host lacks. The container is made without it, since engines rely on that. */
function warningsOf({ config, cgroup }: ContainerRecord): readonly string[] {
  return [
    ...capabilityWarnings(config.process?.capabilities ?? {}),
    ...(cgroup === undefined ? [] : ignoredResources(cgroup, config.linux?.resources ?? {})),
  ];
}

/** runc's words. It will refuse such containers one day. */
const HARD_TO_END =
  'Creating a rootless container with no cgroup and no private pid namespace. Such configuration is strongly ' +
  "discouraged (as it is impossible to properly kill all container's processes) and will result in an error in a " +
  'future runc version.';

/** @param record after the creation: only then we know whether there is a cgroup */
const isHardToEnd = ({ cgroup, config, options }: ContainerRecord): boolean =>
  options.rootlessCgroups === true &&
  (cgroup === undefined || memberDirectory(cgroup) === undefined) &&
  !makesNamespace(config, 'pid');

/**
 * Has the stage make namespaces before it is its turn. On v1 it first enters the container's cgroup, and with systemd
 * too: there the container pays for the memory of its namespaces.
 */
function enterAhead({ platform, systemdCgroup }: Context, config: Config, { mode }: CgroupLayout): void {
  if (mode === 'v2' && !systemdCgroup) platform.enterAhead?.(namespacesAhead(config));
}

function planRecord(
  context: Context,
  request: CreateRequest,
  config: Config,
  layout: CgroupLayout,
  whose: Pick<CgroupPlanInput, 'rootless' | 'managerCgroup'>,
): ContainerRecord {
  const { local } = context.platform;
  const rootfs = rootfsOf(local, config, request.bundle);
  const cgroup = planCgroup({
    id: request.id,
    layout,
    cgroupsPath: config.linux?.cgroupsPath,
    systemd: context.systemdCgroup,
    ...whose,
  });
  try {
    refuseUsed(local, cgroup);
  } catch (error) {
    // The cgroup may be in use by a container of that very name. Engines know runc's text for that.
    const there = attempt(local, statx(AT.FDCWD, `${context.root}/${request.id}`, out(STATX_BYTES)));
    throw there < 0 ? error : exists();
  }
  const options: ContainerOptions = {
    noPivot: request.noPivot ?? false,
    noNewKeyring: request.noNewKeyring ?? false,
    systemdCgroup: context.systemdCgroup,
    preserveFds: request.inheritance.preserveFds,
    ...(config.process?.terminal ? {} : { stdio: linksOf(local, request.inheritance.stdio) }),
    ...(whose.rootless ? { rootlessCgroups: true } : {}),
  };
  return {
    id: request.id,
    bundle: request.bundle,
    root: context.root,
    ociVersion: config.ociVersion,
    rootfs,
    created: context.now(),
    owner: context.host.uid,
    annotations: config.annotations ?? {},
    config,
    options,
    cgroup,
    begun: [],
    reached: 'creating',
    leftovers: [],
  };
}

function hasRootlessCgroups({ rootless, host, platform, systemdCgroup }: Context): boolean {
  return (
    rootless ??
    rootlessCgroups(host, systemdCgroup, host.uid === 0 && !systemdCgroup && runsInUserNamespace(platform.local))
  );
}

/**
 * As runc decides where nobody has. Systemd can make cgroups for the root of a user namespace too.
 * @param isConfined whether the runtime is in a user namespace
 */
export const rootlessCgroups = ({ uid }: Pick<Host, 'uid'>, systemdCgroup: boolean, isConfined: boolean): boolean =>
  uid !== 0 || (!systemdCgroup && isConfined);

/** The absolute path of the rootfs, which must not be a symlink itself. @throws EffectError */
function rootfsOf(local: Kernel, config: Config, bundle: string): string {
  const path = config.root?.path ?? '';
  const absolute = path.startsWith('/') ? path : `${bundle}/${path}`;
  const stat = out(STATX_BYTES);
  doing(`invalid rootfs: stat ${absolute}`, () => call(local, statx(AT.FDCWD, absolute, stat)));
  const type = typeOf(stat);
  if (type === S.IFLNK) throw new EffectError(`invalid rootfs: not an absolute path, or a symlink: ${absolute}`);
  if (type !== S.IFDIR) throw new EffectError(`invalid rootfs: ${absolute} is not a directory`);
  return absolute;
}
