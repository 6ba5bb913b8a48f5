/**
 * How a process ended that is no child of this process. Its parent learns it by waitid(2). Everybody else may ask a
 * pidfd that was opened before (PIDFD_GET_INFO with PIDFD_INFO_EXIT, since Linux 6.15), once its parent has reaped it;
 * until then it is a zombie, whose /proc/PID/stat says it to those who may trace it.
 */

import { POLL } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { viewOf } from '../../native/kernel/struct.ts';
import type { Platform } from '../../native/platform.ts';
import type { InitRecord } from '../../spec/record.ts';
import { EffectError } from '../error.ts';
import { parseStat, readSmallFile } from '../paths/proc.ts';
import { holdInit } from './observe.ts';
import type { Exited } from './wait.ts';

/** How long its parent may take to reap it, where only the kernel can tell how it ended. */
const REAPING_MS = 1000;

/**
 * Waits until a process has ended.
 * @param init undefined where there never was one
 * @throws EffectError where nobody tells how it ended; the signal's reason
 */
export async function awaitForeignExit(
  platform: Platform,
  init: InitRecord | undefined,
  signal?: AbortSignal,
): Promise<Exited> {
  const { local } = platform;
  using pidfd = init && holdInit(local, init);
  if (init === undefined || pidfd === undefined)
    throw new EffectError('it has ended already, and how is known to the process that created it');
  for (let ready = 0; ready === 0; ) [ready = 0] = await platform.poll([{ fd: pidfd.fd, events: POLL.IN }], -1, signal);
  const known = zombieStatus(local, init) ?? exitInfo(local, pidfd.fd);
  if (known !== undefined) return exitedWith(init.pid, known);
  await platform.poll([{ fd: pidfd.fd, events: 0 }], REAPING_MS, signal);
  const told = exitInfo(local, pidfd.fd);
  if (told !== undefined) return exitedWith(init.pid, told);
  throw new EffectError('it has ended, and how is known to the process that created it');
}

/** @param status as wait(2) has it */
function exitedWith(pid: Pid, status: number): Exited {
  const signal = status & 0x7f;
  return signal === 0 ? { pid, status: (status >> 8) & 0xff } : { pid, status: 128 + signal, signal };
}

/**
 * @returns a zombie's status as wait(2) has it: field 52 of proc_pid_stat(5). undefined where it is reaped, or where we
 * may not be shown it: then the kernel says 0
 */
function zombieStatus(local: Kernel, { pid, startTime }: InitRecord): number | undefined {
  let text: string;
  try {
    text = readSmallFile(local, `/proc/${pid}/stat`);
  } catch {
    return undefined;
  }
  if (parseStat(text).state !== 'Z' || parseStat(text).startTime !== startTime) return undefined;
  const status = Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[49]);
  const isRoot = attempt(local, { name: 'geteuid', args: [] }) === 0;
  return Number.isInteger(status) && (status !== 0 || isRoot) ? status : undefined;
}

/** struct pidfd_info of uapi/linux/pidfd.h, in its first version. */
const INFO = { EXIT_CODE: 60 } as const;
const PIDFD_GET_INFO = 0xc040ff0b;
const PIDFD_INFO_EXIT = 8;

/** @returns its status as wait(2) has it; undefined where it is not reaped, and before Linux 6.15 */
function exitInfo(local: Kernel, pidfd: Fd): number | undefined {
  // The kernel reads what is asked for, and writes the answer to the same memory. The request names the size of the
  // structure; here is more, so that it is not copied before the call.
  const info = new Uint8Array(2048);
  const view = viewOf(info);
  view.setBigUint64(0, BigInt(PIDFD_INFO_EXIT), true);
  const got = attempt(local, { name: 'ioctl', args: [pidfd, PIDFD_GET_INFO, info] });
  const isTold = got >= 0 && (view.getBigUint64(0, true) & BigInt(PIDFD_INFO_EXIT)) !== 0n;
  return isTold ? view.getInt32(INFO.EXIT_CODE, true) : undefined;
}
