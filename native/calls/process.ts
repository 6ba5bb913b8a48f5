/** Calls that make, join, change and end processes. */

import { PR, W } from '../constants/process.ts';
import type { Call, Memory, Out, ResultRef } from '../kernel/kernel.ts';
import type { Fd, Pid } from '../kernel/numbers.ts';
import { stringArray, u32s, u64s } from '../kernel/struct.ts';
import type { FdArg } from './files.ts';

interface CloneArgs {
  readonly flags: number;
  readonly exitSignal?: number;
  /** An O_PATH descriptor of a cgroup v2 directory, with CLONE.INTO_CGROUP (since Linux 5.7). */
  readonly cgroup?: Fd;
  /** The child serves batches on this descriptor of its own. */
  readonly childServes: Fd;
}

/**
 * clone3(2), since Linux 5.3, as an init performs it: without a stack, so the child goes on with a copy of the memory.
 */
export const clone3 = ({ flags, exitSignal, cgroup, childServes }: CloneArgs): Call<Pid> => ({
  name: 'clone3',
  // flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup
  args: [u64s(flags, 0, 0, 0, exitSignal ?? 0, 0, 0, 0, 0, 0, cgroup ?? 0), 88],
  childServes,
});

export const unshare = (flags: number): Call => ({ name: 'unshare', args: [flags] });
/** setns(2) with a namespace's descriptor, or a pidfd and several CLONE_NEW* (since Linux 5.8). */
export const setns = (fd: FdArg, flags: number): Call => ({ name: 'setns', args: [fd, flags] });

export const prctl = (option: number, a: number | Memory = 0, b = 0, c = 0, d = 0): Call => ({
  name: 'prctl',
  args: [option, a, b, c, d],
});
export const setNoNewPrivs = (): Call => prctl(PR.SET_NO_NEW_PRIVS, 1);

/** A variable of an environment, `NAME=value`: as text, or as bytes with a NUL at the end where it is not UTF-8. */
export type Variable = string | Uint8Array;

/** execve(2). If it succeeds, an init gives no answer: its connection closes. */
export const execve = (path: string, argv: readonly string[], env: readonly Variable[]): Call => ({
  name: 'execve',
  args: [path, stringArray(argv), stringArray(env)],
});

/** umask(2). It returns the mask that was there before, which another umask can restore. */
export const umask = (mask: number | ResultRef): Call => ({ name: 'umask', args: [mask] });
/** The performer's own pid. */
export const getpid = (): Call<Pid> => ({ name: 'getpid', args: [] });
export const setsid = (): Call => ({ name: 'setsid', args: [] });
export const setresuid = (uid: number): Call => ({ name: 'setresuid', args: [uid, uid, uid] });
export const setresgid = (gid: number): Call => ({ name: 'setresgid', args: [gid, gid, gid] });
export const setgroups = (gids: readonly number[]): Call => ({
  name: 'setgroups',
  args: [gids.length, gids.length > 0 ? u32s(...gids) : null],
});

/** capset(2), version 3: each set has two 32-bit words. Bit n is capability n. */
export const capset = (effective: bigint, permitted: bigint, inheritable: bigint): Call => ({
  name: 'capset',
  args: [
    u32s(0x20080522, 0),
    u32s(
      ...[0n, 32n].flatMap((shift) =>
        [effective, permitted, inheritable].map((set) => Number((set >> shift) & 0xffff_ffffn)),
      ),
    ),
  ],
});

/** prlimit(2). `RLIM_INFINITY` is 2^64-1. A pid of 0 is the performer. */
export const setRlimit = (pid: Pid, resource: number, soft: number | bigint, hard: number | bigint): Call => ({
  name: 'prlimit64',
  args: [pid, resource, u64s(soft, hard), null],
});
export const getRlimit = (pid: Pid, resource: number, into: Out): Call => ({
  name: 'prlimit64',
  args: [pid, resource, null, into],
});

/** pidfd_open(2), since Linux 5.3; the descriptor is close-on-exec. */
export const pidfdOpen = (pid: Pid): Call<Fd> => ({ name: 'pidfd_open', args: [pid, 0] });
/** pidfd_send_signal(2), since Linux 5.1. Signal 0 only asks whether the process is there. */
export const pidfdSendSignal = (pidfd: FdArg, signal: number): Call => ({
  name: 'pidfd_send_signal',
  args: [pidfd, signal, null, 0],
});
export const kill = (pid: Pid, signal: number): Call => ({ name: 'kill', args: [pid, signal] });

/** waitid(2). ending.ts reads the siginfo_t that it fills. */
export const waitid = (idType: number, id: number, info: Out, options: number = W.EXITED): Call => ({
  name: 'waitid',
  args: [idType, id, info, options, null],
});
export const SIGINFO_BYTES = 128;

export const sethostname = (name: string): Call => ({ name: 'sethostname', args: [name, utf8Length(name)] });
export const setdomainname = (name: string): Call => ({ name: 'setdomainname', args: [name, utf8Length(name)] });
const utf8Length = (text: string): number => new TextEncoder().encode(text).length;

export const keyctl = (operation: number, a: number | Memory | null = 0, b: number = 0): Call => ({
  name: 'keyctl',
  args: [operation, a, b, 0, 0],
});
