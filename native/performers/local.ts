/** The kernel as this process reaches it: every call goes through libc's syscall(2), which costs about 0.3 µs. */

import { ERRNO } from '../constants/errno.ts';
import { SYSNO } from '../constants/sysno.ts';
import type { Arg, Call, Kernel, Outcome } from '../kernel/kernel.ts';
import type { Libc } from '../libraries/libc.ts';
import { Arena, earlierResult } from './arena.ts';

/** It is small, since a cold start pays for fresh memory. */
const ARENA_BYTES = 16 * 1024;
/** Larger data, such as the content of a file, is not copied to the arena. */
const COPIED_BYTES = 1024;

export function localKernel(libc: Libc, performer = 'runtime'): Kernel {
  const column = process.arch === 'arm64' ? 1 : 0;
  const addressOf = (bytes: Uint8Array): number => Number(libc.koffi.address(bytes));
  // The kernel writes directly to the memory that the caller reads.
  const placeOut = ({ bytes }: { bytes: Uint8Array }): number => addressOf(bytes.fill(0));
  const usual = newArena(ARENA_BYTES);

  function newArena(size: number): Arena {
    const bytes = new Uint8Array(size);
    return new Arena(bytes, addressOf(bytes), placeOut);
  }

  function perform(call: Call, results: readonly number[], arena: Arena): number {
    const [a, b, c, d, e, f] = call.args;
    const result = libc.syscall(
      SYSNO[call.name][column],
      word(a, results, arena, addressOf),
      word(b, results, arena, addressOf),
      word(c, results, arena, addressOf),
      word(d, results, arena, addressOf),
      word(e, results, arena, addressOf),
      word(f, results, arena, addressOf),
    );
    return result === -1 ? -libc.errno() : Number(result);
  }

  function submit(calls: readonly Call[], arena: Arena): Outcome {
    const results: number[] = [];
    for (let index = 0; index < calls.length; index++) {
      const call = calls[index];
      if (call === undefined) break;
      if (call.serve || call.childServes !== undefined) throw new TypeError(`${call.name}: only an init can do this`);
      arena.cursor = 0;
      const result = isInVain(call, results) ? -ERRNO.EBADF : perform(call, results, arena);
      results.push(result);
      if (result < 0 && !call.mayFail) return { results, stoppedAt: index };
    }
    return { results, stoppedAt: undefined };
  }

  return {
    performer,
    submit: (calls) =>
      submit(
        calls,
        calls.some(isLarge) ? newArena(calls.reduce((sum, one) => sum + sizeOf(one.args), ARENA_BYTES)) : usual,
      ),
  };
}

/**
 * Whether a call would work on what an earlier one has failed to give: to ask the kernel takes 2 µs. And what looks
 * like a number of an error is no descriptor or process for sure.
 */
function isInVain({ args: [first], mayFail }: Call, results: readonly number[]): boolean {
  if (!mayFail || typeof first !== 'object' || first === null || !('kind' in first)) return false;
  return first.kind === 'result' && earlierResult(results, first.index) < 0;
}

function word(
  arg: Arg | undefined,
  results: readonly number[],
  arena: Arena,
  addressOf: (bytes: Uint8Array) => number,
): number | bigint {
  if (typeof arg === 'number') return arg;
  if (arg === undefined || arg === null) return 0;
  if (typeof arg === 'string') return arena.place(arg);
  if (arg instanceof Uint8Array) return arg.length > COPIED_BYTES ? addressOf(arg) : arena.place(arg);
  if (typeof arg === 'bigint') return BigInt.asIntN(64, arg);
  return arg.kind === 'result' ? earlierResult(results, arg.index) : arena.place(arg);
}

/** Whether a call's arguments may not fit the usual arena. */
const isLarge = ({ args }: Call): boolean => args.some(isPlaced) && sizeOf(args) > ARENA_BYTES;

const isPlaced = (arg: Arg): boolean => typeof arg === 'string' || (typeof arg === 'object' && arg !== null);

/** How many bytes arguments take in an arena, at most. */
const sizeOf = (args: readonly Arg[]): number =>
  args.reduce<number>(
    (sum, arg) => sum + (arg instanceof Uint8Array && arg.length > COPIED_BYTES ? 0 : sizeIn(arg)),
    0,
  );

function sizeIn(arg: Arg): number {
  if (typeof arg === 'string') return arg.length * 3 + 1;
  if (arg instanceof Uint8Array) return arg.length + 16;
  if (typeof arg !== 'object' || arg === null || arg.kind !== 'struct') return 0;
  return arg.pointers.reduce((sum, { target }) => sum + sizeIn(target), arg.bytes.length + 16);
}
