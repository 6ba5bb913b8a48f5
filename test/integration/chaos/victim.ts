/**
 * A command that ends, or stands still, in the middle: told on standard input what to do and where. Run as a program.
 * It answers, if it comes to that, with one line of JSON: what calls it made, and its error.
 */

import { readFileSync } from 'node:fs';
import { SYSNO } from '../../../native/constants/sysno.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { type Libc, loadLibc } from '../../../native/libraries/libc.ts';
import type { Wrap } from '../../../native/platform.ts';
import { FaultPlan, faultKernel, type ShouldFail } from '../../simulation/faults.ts';
import { commandsOn, type Place } from './scene.ts';

export interface Order {
  readonly place: Place;
  readonly operation: 'create' | 'start' | 'delete' | 'delete --force';
  /** Before its nth system call, of whichever process it is; or just after the nth batch went to another process, which performs it. */
  readonly at: { readonly call: number } | { readonly batch: number } | undefined;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
}

/** Calls that were submitted together: the number of the first, and whose they were. */
export interface Submission {
  readonly first: number;
  readonly calls: number;
  readonly performer: string;
}

export interface Answer {
  readonly submissions: readonly Submission[];
  /** How many went to another process. */
  readonly batches: number;
  readonly error?: string;
}

if (import.meta.main) await obey(JSON.parse(readFileSync(0, 'utf8')) as Order);

async function obey({ place, operation, at, signal }: Order): Promise<void> {
  const end = () => process.kill(process.pid, signal);
  const chosen = at !== undefined && 'call' in at ? at.call : 0;
  const shouldFail: ShouldFail = (n) => {
    if (n !== chosen) return undefined;
    if (signal === 'SIGKILL') return 'die';
    // Once it is told to go on, the batch with this call goes on as if nothing had been.
    end();
    return undefined;
  };
  const plan = new FaultPlan(shouldFail, () => {
    end();
    throw new Error('still alive');
  });
  let batches = 0;
  const libc = afterSending(loadLibc(), () => {
    if (++batches === (at !== undefined && 'batch' in at ? at.batch : 0)) end();
  });
  const submissions: Submission[] = [];
  const wrap: Wrap = (kernel) => {
    const faulty = faultKernel(kernel, plan);
    const { performer } = kernel;
    return {
      ...faulty,
      submit(calls) {
        submissions.push({ first: plan.seen + 1, calls: calls.length, performer });
        return faulty.submit(calls);
      },
    };
  };
  const commands = commandsOn(place, hostPlatform(wrap, libc));
  const answer = (error?: unknown): void =>
    console.log(JSON.stringify({ submissions, batches, ...(error === undefined ? {} : { error: String(error) }) }));
  try {
    if (operation === 'create') await commands.create();
    else if (operation === 'start') await commands.start();
    else await commands.delete(operation === 'delete --force');
    answer();
  } catch (error) {
    answer(error);
  }
}

/** Remote kernels send a batch by sendto, past every `Kernel`. */
function afterSending(libc: Libc, hear: () => void): Libc {
  const [x64, arm64] = SYSNO.sendto;
  const sendto = process.arch === 'arm64' ? arm64 : x64;
  const { syscall } = libc;
  // The getter of `spawn` stays what it is.
  return Object.defineProperty(Object.create(libc) as Libc, 'syscall', {
    value: (nr: number, ...args: unknown[]): unknown => {
      const result: unknown = syscall(nr, ...args);
      if (nr === sendto) hear();
      return result;
    },
  });
}
