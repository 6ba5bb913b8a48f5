/**
 * The filter of one container. `create` compiles it, so that a bad profile fails there. `start` and `exec` load it. The
 * modules that compile, and that tell an agent, are imported by those who do so.
 */

import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import type { LibSeccomp } from '../../native/libraries/libseccomp.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Seccomp } from '../../spec/types.ts';
import type { Session } from '../session.ts';
import { CACHE_FOLDER } from './cache.ts';
import { readCopy, writeCopy } from './copy.ts';
import { RAW_FILTER } from './profile.ts';
import { type CompiledSeccomp, loadCalls, loadingOf, loadWithoutAgent } from './seccomp.ts';

/**
 * What the init performs in order to load the filter. `release` is to be called afterwards, whether it was loaded or
 * not.
 */
export interface LoadingFilter {
  readonly calls: readonly Call[];
  release(): void;
}

export interface ContainerFilter {
  /** The calls for processes that no agent hears of: the startContainer hooks. */
  readonly withoutAgent: readonly Call[];
  /**
   * For the container's own process. Nothing may be opened or closed in the init between this and the calls that it
   * returns.
   * @throws Error where the agent does not take connections
   */
  prepare(init: Kernel): LoadingFilter;
  /**
   * For `exec`.
   * @returns a connection to the agent, with which the process is to be started, for the caller to close; undefined
   *   where    no agent is asked
   * @throws Error where the agent does not take connections
   */
  connect(): Fd | undefined;
  /**
   * For `exec`. Nothing may be opened or closed in the process between this and the calls that it returns.
   * @param pid of the process, as the runtime sees it
   * @param connection what `connect` returned, by its number in the process
   */
  callsFor(process: Kernel, pid: Pid, connection: Fd | undefined): readonly Call[];
}

/** @param compiled by `compiledFor`, for this container. @throws Error */
export async function filterOf(
  session: Session,
  record: ContainerRecord,
  profile: Seccomp,
  compiled: CompiledSeccomp,
): Promise<ContainerFilter> {
  if (compiled.needsListener) {
    const { filterWithAgent } = await import('./with-agent.ts');
    return filterWithAgent(session, record, profile, compiled);
  }
  return {
    withoutAgent: loadWithoutAgent(compiled),
    prepare: () => ({ calls: loadCalls(compiled), release() {} }),
    connect: () => undefined,
    callsFor: () => loadCalls(compiled),
  };
}

/** crun's annotation, with any value: a call that libseccomp does not know is an error, and not left out. */
const FAIL_UNKNOWN = 'run.oci.seccomp_fail_unknown_syscall';
const UNKNOWN_CALL = -1;

function refuseUnknown({ resolve, version }: LibSeccomp, { syscalls = [] }: Seccomp): void {
  for (const [index, { names }] of syscalls.entries())
    for (const name of names)
      if (resolve(name) === UNKNOWN_CALL)
        throw new Error(
          `linux.seccomp.syscalls[${index}]: libseccomp ${version} does not know ${JSON.stringify(name)} ` +
            `(refused by the annotation ${FAIL_UNKNOWN})`,
        );
}

/**
 * Compiles a filter while the container is created, and reads it from the container's directory afterwards. A program
 * that the config brings is taken as it is.
 * @throws Error
 */
export async function compiledFor(
  session: Session,
  record: ContainerRecord,
  profile: Seccomp,
): Promise<CompiledSeccomp> {
  const { platform, directory } = session;
  const { local } = platform;
  const brought = record.config.annotations?.[RAW_FILTER];
  if (brought !== undefined) {
    const { asksAgent, readRawFilter } = await import('./raw.ts');
    const program = readRawFilter(brought);
    if (asksAgent(program) && !profile.listenerPath) throw new Error('seccomp listenerPath is not set');
    return { ...loadingOf(local, profile), program };
  }
  const made = record.reached !== 'creating';
  const copy = made ? readCopy(local, directory) : undefined;
  if (copy !== undefined) return { ...loadingOf(local, profile), program: copy };
  const { compileSeccomp } = await import('./compile-once.ts');
  const library = () => platform.libseccomp();
  // This is no part of the program, so a program that is kept cannot tell.
  if (!made && record.config.annotations?.[FAIL_UNKNOWN] !== undefined) refuseUnknown(library(), profile);
  const cacheFolder = `${record.root}/${CACHE_FOLDER}`;
  const compiled = compileSeccomp({ local, library, cacheFolder, warn: session.warn }, profile);
  if (!made) writeCopy(local, directory, compiled.program);
  return compiled;
}
