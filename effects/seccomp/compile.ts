/**
 * Builds a profile's program with libseccomp: it performs the steps of translate.ts, and puts the rule for newer calls
 * (enosys.ts) before what comes out.
 */

import { dataFile, readDataFile } from '../../native/calls/data-file.ts';
import { SCMP_ARCH } from '../../native/constants/seccomp.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { type Filter, type LibSeccomp, LibSeccompError } from '../../native/libraries/libseccomp.ts';
import type { Seccomp } from '../../spec/types.ts';
import { needsListener } from './actions.ts';
import { prepend } from './bpf.ts';
import { enosysPrelude, lastCalls, wantsEnosys } from './enosys.ts';
import { type FilterStep, filterSteps } from './translate.ts';

/** libseccomp's level where both the library (2.5) and the kernel (5.0) know notifications. */
const NOTIFY_API_LEVEL = 5;
/** What `resolve` answers for a name that libseccomp does not know. */
const UNKNOWN_CALL = -1;

/**
 * @param native the token of this machine's architecture
 * @param unknown gets the names of calls that the library does not know, which are left out
 * @returns sock_filter[]
 * @throws Error with the part of the profile that was refused
 */
export function compileProgram(
  local: Kernel,
  library: LibSeccomp,
  profile: Seccomp,
  native: number,
  unknown: string[] = [],
): Uint8Array {
  if (needsListener(profile) && library.apiLevel < NOTIFY_API_LEVEL)
    throw new Error(
      `seccomp notify unsupported: API level: got ${library.apiLevel}, want at least ${NOTIFY_API_LEVEL}. ` +
        'Please try with libseccomp >= 2.5.0 and Linux >= 5.7',
    );
  const program = build(local, library, filterSteps(profile), unknown);
  if (!wantsEnosys(profile)) return prepend(new Uint8Array(), program);
  const architectures = new Set([native, ...(profile.architectures ?? []).map((name) => SCMP_ARCH[name])]);
  const names = (profile.syscalls ?? []).flatMap((rule) => rule.names);
  return prepend(enosysPrelude(lastCalls(names, architectures, library.resolveOn)), program);
}

function build(local: Kernel, library: LibSeccomp, steps: readonly FilterStep[], unknown: string[]): Uint8Array {
  const [first, ...rest] = steps;
  if (first?.kind !== 'init') throw new TypeError('the steps of a filter begin with init');
  const filter = worded('linux.seccomp.defaultAction', () => library.init(first.defaultAction));
  try {
    for (const step of rest) performStep(filter, library, step, unknown);
    return exported(local, filter);
  } finally {
    filter.release();
  }
}

function performStep(filter: Filter, library: LibSeccomp, step: FilterStep, unknown: string[]): void {
  switch (step.kind) {
    case 'architecture':
      worded(`linux.seccomp.architectures: ${step.name}`, () => filter.addArchitecture(step.token), {
        EINVAL: `libseccomp ${library.version} does not know it`,
        EDOM: 'its byte order is not that of this machine',
      });
      break;
    case 'optimize':
      // An older library does not know this, and goes on with a list.
      filter.optimize(step.level);
      break;
    case 'rule': {
      const number = library.resolve(step.syscall);
      // A profile is written for many kernels and libraries. Calls that this one does not know are left out.
      if (number === UNKNOWN_CALL) {
        unknown.push(step.syscall);
        break;
      }
      worded(
        `linux.seccomp: the rule for ${step.syscall}`,
        () => filter.addRule(step.action, number, step.comparisons),
        {
          EEXIST: 'another rule has the same conditions and another action',
        },
      );
    }
  }
}

function worded<T>(what: string, perform: () => T, reasons: Readonly<Record<string, string>> = {}): T {
  try {
    return perform();
  } catch (error) {
    if (!(error instanceof LibSeccompError)) throw error;
    throw new Error(`${what}: ${reasons[error.code] ?? error.message}`, { cause: error });
  }
}

/** libseccomp writes a program to a descriptor only. */
function exported(local: Kernel, filter: Filter): Uint8Array {
  using file = new Owned(local, dataFile(local, 'runchart-seccomp'));
  filter.export(file.fd);
  return readDataFile(local, file.fd, MAX_PROGRAM_BYTES);
}

/** More than the kernel takes: it is `prepend` that refuses what is too long. */
const MAX_PROGRAM_BYTES = 1 << 20;
