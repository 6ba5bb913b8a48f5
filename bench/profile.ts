/**
 * docker's default seccomp profile as engines hand it to a runtime, made from the copy that Debian installs with
 * podman.
 */

import { existsSync, readFileSync } from 'node:fs';
import type { Config } from '../spec/types.ts';

/** Package golang-github-containers-common, which podman depends on. */
const PROFILE = '/usr/share/containers/seccomp.json';
/** The capabilities that docker gives which conditions of the profile ask for. */
const CAPABILITIES: readonly string[] = ['CAP_SYS_CHROOT', 'CAP_AUDIT_WRITE'];

type Seccomp = NonNullable<NonNullable<Config['linux']>['seccomp']>;

interface Condition {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
}

interface Profile {
  readonly defaultAction: Seccomp['defaultAction'];
  readonly defaultErrnoRet?: number;
  readonly syscalls: readonly {
    readonly names: string[];
    readonly action: Seccomp['defaultAction'];
    readonly errnoRet?: number;
    readonly args?: NonNullable<Seccomp['syscalls']>[number]['args'] | null;
    readonly includes?: Condition;
    readonly excludes?: Condition;
  }[];
}

/** @returns undefined if it is not installed */
export function dockersProfile(): Seccomp | undefined {
  if (!existsSync(PROFILE)) return undefined;
  const { defaultAction, defaultErrnoRet, syscalls }: Profile = JSON.parse(readFileSync(PROFILE, 'utf8'));
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const holds = ({ caps, arches }: Condition): boolean =>
    (caps ?? []).every((name) => CAPABILITIES.includes(name)) && (arches?.includes(architecture) ?? true);
  const names = ({ caps, arches }: Condition): boolean => caps !== undefined || arches !== undefined;
  return {
    defaultAction,
    ...(defaultErrnoRet === undefined ? {} : { defaultErrnoRet }),
    architectures:
      process.arch === 'x64'
        ? ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']
        : ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
    syscalls: syscalls
      .filter(({ includes = {}, excludes = {} }) => holds(includes) && !(names(excludes) && holds(excludes)))
      .map(({ names, action, errnoRet, args }) => ({
        names,
        action,
        ...(errnoRet === undefined ? {} : { errnoRet }),
        ...(args == null || args.length === 0 ? {} : { args }),
      })),
  };
}
