/** The kernel as this process reaches it: every call by libc's syscall(2), at about 0.3 µs. */

import { Arena, align8, measure } from './arena.ts';
import { SYSNO } from './constants/sysno.ts';
import type { Arg, Call, Kernel, Outcome } from './kernel.ts';
import type { Libc } from './libc.ts';

const INITIAL_ARENA_BYTES = 64 * 1024;

export function localKernel(libc: Libc, performer = 'runtime'): Kernel {
  const column = process.arch === 'arm64' ? 1 : 0;
  let arena = newArena(libc, INITIAL_ARENA_BYTES);

  function perform(call: Call, results: readonly number[]): number {
    const a = call.args;
    const result = libc.syscall(
      SYSNO[call.name][column],
      word(a[0], results),
      word(a[1], results),
      word(a[2], results),
      word(a[3], results),
      word(a[4], results),
      word(a[5], results),
    );
    return result === -1 ? -libc.errno() : Number(result);
  }

  function word(arg: Arg | undefined, results: readonly number[]): number | bigint {
    if (typeof arg === 'number') return arg;
    if (arg === undefined || arg === null) return 0;
    if (typeof arg === 'bigint') return BigInt.asIntN(64, arg);
    if (typeof arg === 'object' && !(arg instanceof Uint8Array) && arg.kind === 'result')
      return resultOf(arg.index, results);
    return arena.place(arg);
  }

  return {
    performer,
    submit(calls: readonly Call[]): Outcome {
      const extent = measure(calls);
      const needed = extent.outBytes + extent.dataBytes + 8;
      if (needed > arena.bytes.length) arena = newArena(libc, needed * 2);
      let offset = 0;
      arena.reset(extent.outBytes);
      for (const out of extent.outs) {
        arena.reserve(out, offset);
        arena.bytes.fill(0, offset, offset + out.bytes.length);
        offset += align8(out.bytes.length);
      }
      const results: number[] = [];
      let stoppedAt: number | undefined;
      for (const [index, call] of calls.entries()) {
        if (call.serve || call.childServes !== undefined) throw new TypeError(`${call.name}: only an init can do this`);
        const result = perform(call, results);
        results.push(result);
        if (result < 0 && !call.mayFail) {
          stoppedAt = index;
          break;
        }
      }
      for (const [out, at] of arena.outs()) out.bytes.set(arena.bytes.subarray(at, at + out.bytes.length));
      return { results, stoppedAt };
    },
  };
}

function newArena(libc: Libc, size: number): Arena {
  const bytes = new Uint8Array(size);
  return new Arena(bytes, Number(libc.koffi.address(bytes)));
}

/** The result that a later call refers to. A reference forward, or to a call that failed, is a fault of the batch. */
export function resultOf(index: number, results: readonly number[]): number {
  const result = results[index];
  if (result === undefined) throw new TypeError(`a call refers to result ${index}, which is not there yet`);
  return result;
}
