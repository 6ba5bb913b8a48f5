/**
 * The kernel of a command whose caller is another process. Most calls are the same whoever of two processes with the
 * same rights performs them: this process does. A few are about the caller itself: its children, and what it is. The
 * caller performs those (the body: native/launcher/body.h).
 */

import { ERRNO } from '../constants/errno.ts';
import { P, PR } from '../constants/process.ts';
import { type Arg, type Call, type Kernel, LostPeerError, type Outcome } from '../kernel/kernel.ts';
import type { Pid } from '../kernel/numbers.ts';
import { flush, post } from '../kernel/perform.ts';
import { earlierResult } from '../performers/arena.ts';

/** @param pidOf tells whose pidfd a descriptor of ours is: the caller knows none of our descriptors */
export function callersKernel(own: Kernel, body: Kernel, caller: Pid, pidOf: (pidfd: number) => Pid): Kernel {
  const performOne = (call: Call): number => {
    if (!isOfCaller(call)) return own.submit([aboutCaller(call, caller)]).results[0] ?? 0;
    try {
      return body.submit([byPid(call, pidOf)]).results[0] ?? 0;
    } catch (error) {
      // Its children have another parent now.
      if (error instanceof LostPeerError && call.name === 'waitid') return -ERRNO.ECHILD;
      throw error;
    }
  };
  return {
    performer: own.performer,
    submit(calls) {
      if (!calls.some((call) => isOfCaller(call) || readsMembership(call))) return own.submit(calls);
      return oneByOne(calls, performOne);
    },
    post(calls, settle) {
      // What names descriptors of ours, or is for both processes, is performed at once.
      if (calls.every(isForCallerAlone)) post(body, calls, settle);
      else settle(this.submit(calls));
    },
    flush: () => flush(body),
  };
}

function oneByOne(calls: readonly Call[], performOne: (call: Call) => number): Outcome {
  const results: number[] = [];
  for (const [index, call] of calls.entries()) {
    const result = performOne({ ...call, args: call.args.map((arg) => resolved(arg, results)) });
    results.push(result);
    if (result < 0 && !call.mayFail) return { results, stoppedAt: index };
  }
  return { results, stoppedAt: undefined };
}

const resolved = (arg: Arg, results: readonly number[]): Arg =>
  typeof arg === 'object' && arg !== null && 'kind' in arg && arg.kind === 'result'
    ? earlierResult(results, arg.index)
    : arg;

const isOfCaller = ({ name, args }: Call): boolean =>
  name === 'waitid' || (name === 'prctl' && args[0] === PR.SET_CHILD_SUBREAPER);

const isForCallerAlone = (call: Call): boolean => isOfCaller(call) && call.args[0] !== P.PIDFD;

const MEMBERSHIP = '/proc/self/cgroup';

const readsMembership = ({ name, args }: Call): boolean => name === 'openat' && args[1] === MEMBERSHIP;

/** The caller's cgroup is where a container's relative cgroup begins. */
const aboutCaller = (call: Call, caller: Pid): Call =>
  readsMembership(call)
    ? { ...call, args: call.args.map((arg) => (arg === MEMBERSHIP ? `/proc/${caller}/cgroup` : arg)) }
    : call;

function byPid(call: Call, pidOf: (pidfd: number) => Pid): Call {
  const [type, id, ...others] = call.args;
  if (call.name !== 'waitid' || type !== P.PIDFD || typeof id !== 'number') return call;
  return { ...call, args: [P.PID, pidOf(id), ...others] };
}
