/** What CRIU is asked for: made of a container's record, the command's flags, and what was found on the host. Pure. */

import { CLONE } from '../../native/constants/process.ts';
import { CGROUPS_MODE, type CriuOptions } from '../../native/criu/messages.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import type { ContainerRecord } from '../../spec/record.ts';

/** A version as one number, as with runc: 31701 is 3.17.1. */
export type CriuVersion = number;

/** What flags of both `checkpoint` and `restore` say. */
interface CommonOptions {
  /** Absolute. */
  readonly imagePath: string;
  /** Where logs go, absolute. By default they go to the images. */
  readonly workPath?: string | undefined;
  readonly tcpEstablished: boolean;
  readonly externalUnixSockets: boolean;
  readonly shellJob: boolean;
  readonly fileLocks: boolean;
  readonly lazyPages: boolean;
  readonly autoDedup: boolean;
  /** Undefined for CRIU's own choice. */
  readonly cgroupsMode?: CgroupsMode | undefined;
}

export interface CheckpointOptions extends CommonOptions {
  /** Relative to the images. */
  readonly parentPath?: string | undefined;
  readonly tcpSkipInFlight: boolean;
  readonly linkRemap: boolean;
  readonly pageServer?: { readonly address: string; readonly port: number } | undefined;
  /** A descriptor of this process: a zero byte is written to it once the page server is ready, and it is closed. */
  readonly statusFd?: Fd | undefined;
}

export interface RestoreOptions extends CommonOptions {
  readonly lsmProfile?: string | undefined;
  readonly lsmMountContext?: string | undefined;
}

type CgroupsMode = 'ignore' | 'soft' | 'full' | 'strict';

const MODES: Readonly<Record<CgroupsMode, number>> = {
  ignore: CGROUPS_MODE.IGNORE,
  soft: CGROUPS_MODE.SOFT,
  full: CGROUPS_MODE.FULL,
  strict: CGROUPS_MODE.STRICT,
};

/** Descriptors of this process. */
export interface Directories {
  readonly images: Fd;
  readonly work?: Fd | undefined;
}

interface DumpFacts {
  readonly version: CriuVersion;
  readonly directories: Directories;
  /** `mnt[…]:…` and `net[…]:…`. */
  readonly external: readonly string[];
}

/** CRIU's most talkative level, as with runc: whoever looks into a log wants to know everything. */
const LOG_LEVEL = 4;

export const DUMP_LOG = 'dump.log';
export const RESTORE_LOG = 'restore.log';

export function dumpOptions(
  record: ContainerRecord,
  kind: { readonly leaveRunning: boolean },
  options: CheckpointOptions,
  { version, directories, external }: DumpFacts,
): CriuOptions {
  const { parentPath, statusFd, pageServer } = options;
  const freezer = freezerOf(record, version);
  return {
    ...commonOptions(record, options, directories),
    logFile: DUMP_LOG,
    root: record.rootfs,
    pid: record.init?.pid ?? 0,
    leaveRunning: kind.leaveRunning,
    tcpSkipInFlight: options.tcpSkipInFlight,
    linkRemap: options.linkRemap,
    external,
    ...(freezer === undefined ? {} : { freezeCgroup: freezer }),
    ...(pageServer === undefined ? {} : { pageServer }),
    ...(parentPath === undefined ? {} : { parentImage: parentPath, trackMemory: true }),
    // A newer CRIU sends a notification instead.
    ...(options.lazyPages && statusFd !== undefined && version < NOTIFIES_STATUS ? { statusFd } : {}),
  };
}

export const NOTIFIES_STATUS: CriuVersion = 31_500;
const FREEZES_UNIFIED: CriuVersion = 31_400;

/** The cgroup by which CRIU stops the processes. By ptrace alone it would have to catch each that is being made. */
function freezerOf({ cgroup }: ContainerRecord, version: CriuVersion): string | undefined {
  if (cgroup?.layout !== 'v2') return cgroup?.paths.freezer;
  return version >= FREEZES_UNIFIED ? cgroup.paths.unified : undefined;
}

interface RestoreFacts {
  readonly directories: Directories;
  readonly external: readonly string[];
  /** The rootfs, in CRIU's mount namespace: a mount of its own. */
  readonly root: string;
  readonly cgroupRoots: NonNullable<CriuOptions['cgroupRoots']>;
  readonly inheritFd: NonNullable<CriuOptions['inheritFd']>;
}

export function restoreOptions(record: ContainerRecord, options: RestoreOptions, facts: RestoreFacts): CriuOptions {
  const { lsmProfile, lsmMountContext } = options;
  return {
    ...commonOptions(record, options, facts.directories),
    logFile: RESTORE_LOG,
    root: facts.root,
    evasiveDevices: true,
    restoreAsSibling: true,
    external: facts.external,
    cgroupRoots: facts.cgroupRoots,
    inheritFd: facts.inheritFd,
    joinNamespaces: joinedNamespaces(record),
    ...(lsmProfile === undefined ? {} : { lsmProfile }),
    ...(lsmMountContext === undefined ? {} : { lsmMountContext }),
  };
}

function commonOptions(record: ContainerRecord, options: CommonOptions, directories: Directories) {
  const { cgroupsMode } = options;
  const configFile = configFileOf(record);
  return {
    imagesDirFd: directories.images,
    ...(directories.work === undefined ? {} : { workDirFd: directories.work }),
    logLevel: LOG_LEVEL,
    // For CRIU before 2.0: the mode has taken the place of this flag.
    manageCgroups: true,
    manageCgroupsMode: cgroupsMode === undefined ? CGROUPS_MODE.DEFAULT : MODES[cgroupsMode],
    notifyScripts: true,
    tcpEstablished: options.tcpEstablished,
    extUnixSk: options.externalUnixSockets,
    shellJob: options.shellJob,
    fileLocks: options.fileLocks,
    lazyPages: options.lazyPages,
    autoDedup: options.autoDedup,
    orphanPtsMaster: true,
    // Whoever made the interfaces of the network makes them again. As with runc, whatever --empty-ns says.
    emptyNamespaces: CLONE.NEWNET,
    ...(configFile === undefined ? {} : { configFile }),
  };
}

/** A file of CRIU's settings: the one that the container names, or that of runc, which users know. */
function configFileOf({ annotations }: ContainerRecord): string | undefined {
  const named = annotations['org.criu.config'];
  if (named === undefined) return '/etc/criu/runc.conf';
  return named === '' ? undefined : named;
}

/** The namespaces by the names that the kernel and CRIU have for them. */
const NAMES = { mount: 'mnt', network: 'net', pid: 'pid', ipc: 'ipc', uts: 'uts', user: 'user', time: 'time' } as const;

/** A namespace that the container joins, and that CRIU leaves alone. Both commands tell CRIU of it by the same key. */
interface ExternalNamespace {
  readonly name: string;
  readonly path: string;
  readonly key: string;
}

/** Network and pid namespaces that the container joins. Those of other types CRIU joins by itself. */
export function externalNamespaces({ config }: Pick<ContainerRecord, 'config'>): readonly ExternalNamespace[] {
  return (config.linux?.namespaces ?? []).flatMap(({ type, path = '' }) =>
    path === '' || (type !== 'network' && type !== 'pid')
      ? []
      : [{ name: NAMES[type], path, key: type === 'network' ? 'extRootNetNS' : 'extRootPidNS' }],
  );
}

function joinedNamespaces({ config }: ContainerRecord): NonNullable<CriuOptions['joinNamespaces']> {
  return (config.linux?.namespaces ?? []).flatMap(({ type, path = '' }) =>
    path === '' || type === 'network' || type === 'pid' || type === 'cgroup' ? [] : [{ type: NAMES[type], path }],
  );
}
