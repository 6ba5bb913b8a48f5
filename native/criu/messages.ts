/**
 * The messages of CRIU's RPC that runchart uses: criu(8) "RPC", and rpc.proto, which CRIU installs for its clients. The
 * numbers are the interface. Where a member is not named here, CRIU's default is in force.
 */

import type { Fd, Pid } from '../kernel/numbers.ts';

export const REQUEST = {
  DUMP: 1,
  RESTORE: 2,
  PRE_DUMP: 4,
  NOTIFY: 6,
  FEATURE_CHECK: 9,
  VERSION: 10,
} as const;

/** How CRIU treats cgroups and their limits. */
export const CGROUPS_MODE = { IGNORE: 0, SOFT: 3, FULL: 4, STRICT: 5, DEFAULT: 6 } as const;

/**
 * How to checkpoint or restore: `criu_opts`. Descriptors are CRIU's own for `inheritFd`, else the
 * caller's.
 */
export type CriuOptions = {
  readonly imagesDirFd: number;
  readonly pid?: number;
  readonly leaveRunning?: boolean;
  readonly extUnixSk?: boolean;
  readonly tcpEstablished?: boolean;
  readonly evasiveDevices?: boolean;
  readonly shellJob?: boolean;
  readonly fileLocks?: boolean;
  readonly logLevel?: number;
  /** A name in the work directory, or in that of the images. */
  readonly logFile?: string;
  readonly pageServer?: { readonly address: string; readonly port: number };
  readonly notifyScripts?: boolean;
  readonly root?: string;
  /** Relative to the images. */
  readonly parentImage?: string;
  readonly trackMemory?: boolean;
  readonly autoDedup?: boolean;
  readonly workDirFd?: number;
  readonly linkRemap?: boolean;
  readonly manageCgroups?: boolean;
  readonly cgroupRoots?: readonly { readonly controller: string; readonly path: string }[];
  /** The restored processes become children of the caller. */
  readonly restoreAsSibling?: boolean;
  readonly inheritFd?: readonly { readonly key: string; readonly fd: Fd }[];
  readonly manageCgroupsMode?: number;
  /** What CRIU finds outside of the images: `mnt[KEY]:VALUE`, `net[INODE]:KEY`. */
  readonly external?: readonly string[];
  /** CLONE_NEW* of namespaces that are made anew and stay empty. */
  readonly emptyNamespaces?: number;
  readonly joinNamespaces?: readonly { readonly type: string; readonly path: string }[];
  readonly freezeCgroup?: string;
  readonly tcpSkipInFlight?: boolean;
  readonly lazyPages?: boolean;
  readonly statusFd?: number;
  readonly orphanPtsMaster?: boolean;
  readonly configFile?: string;
  readonly lsmProfile?: string;
  readonly lsmMountContext?: string;
};

export type CriuFeatures = { readonly memoryTracking?: boolean; readonly lazyPages?: boolean };

/** `criu_req`. */
export type CriuRequest = {
  readonly type: number;
  readonly options?: CriuOptions;
  readonly notifySuccess?: boolean;
  readonly features?: CriuFeatures;
};

/** `criu_resp`. */
export interface CriuResponse {
  readonly type: number;
  readonly success: boolean;
  /** The restored init, in the caller's pid namespace. */
  readonly restoredPid?: number;
  readonly notify?: { readonly script: string; readonly pid: Pid };
  readonly errno?: number;
  readonly message?: string;
  readonly features?: CriuFeatures;
  readonly version?: {
    readonly major: number;
    readonly minor: number;
    readonly sublevel: number;
    /** Given by a build between two releases. */
    readonly gitId?: string;
  };
}

/** How a member is written: its number and its type. */
export interface Field {
  readonly number: number;
  readonly as: 'integer' | 'boolean' | 'string' | Shape;
}
export interface Shape {
  readonly [name: string]: Field;
}

/** Every member of a message must have a number: this type demands it. */
type ShapeOf<T> = { readonly [Name in keyof T]-?: Field };

const integer = (number: number): Field => ({ number, as: 'integer' });
const boolean = (number: number): Field => ({ number, as: 'boolean' });
const string = (number: number): Field => ({ number, as: 'string' });

const OPTIONS: ShapeOf<CriuOptions> = {
  imagesDirFd: integer(1),
  pid: integer(2),
  leaveRunning: boolean(3),
  extUnixSk: boolean(4),
  tcpEstablished: boolean(5),
  evasiveDevices: boolean(6),
  shellJob: boolean(7),
  fileLocks: boolean(8),
  logLevel: integer(9),
  logFile: string(10),
  pageServer: { number: 11, as: { address: string(1), port: integer(2) } },
  notifyScripts: boolean(12),
  root: string(13),
  parentImage: string(14),
  trackMemory: boolean(15),
  autoDedup: boolean(16),
  workDirFd: integer(17),
  linkRemap: boolean(18),
  manageCgroups: boolean(24),
  cgroupRoots: { number: 25, as: { controller: string(1), path: string(2) } },
  restoreAsSibling: boolean(26),
  inheritFd: { number: 27, as: { key: string(1), fd: integer(2) } },
  manageCgroupsMode: integer(34),
  external: string(37),
  emptyNamespaces: integer(38),
  joinNamespaces: { number: 39, as: { type: string(1), path: string(2) } },
  freezeCgroup: string(44),
  tcpSkipInFlight: boolean(46),
  lazyPages: boolean(48),
  statusFd: integer(49),
  orphanPtsMaster: boolean(50),
  configFile: string(51),
  lsmProfile: string(53),
  lsmMountContext: string(63),
};

const FEATURES: ShapeOf<CriuFeatures> = { memoryTracking: boolean(1), lazyPages: boolean(2) };

export const REQUEST_SHAPE: ShapeOf<CriuRequest> = {
  type: integer(1),
  options: { number: 2, as: OPTIONS },
  notifySuccess: boolean(3),
  features: { number: 5, as: FEATURES },
};
