/** Writes batches as the messages that native/init/init.c performs. remote.ts has the layout. */

import { SYSNO } from '../constants/sysno.ts';
import type { Arg, Call, Out } from '../kernel/kernel.ts';
import { Arena, align8, earlierResult } from './arena.ts';

const ARENA_BASE = 0x1_0000_0000;
/** Half of the init's arena. The other half is for the answer. */
const HALF_BYTES = 8 << 20;
/** It grows. It begins small, since a cold start pays for fresh memory. */
const FIRST_BYTES = 16 * 1024;
const HEADER_BYTES = 16;
/** Where a message says that the init is to leave it alone if the one before it was stopped. */
export const AFTER = 12;
const CALL_BYTES = 56;
const FLAG = { MAY_FAIL: 1 << 8, CHILD_SERVES: 1 << 9, SERVE: 1 << 10 } as const;

export interface Message {
  /** They hold it until the next message is written. */
  readonly bytes: Uint8Array;
  readonly size: number;
  /** The offset of each out buffer in the answer. */
  readonly outs: ReadonlyMap<Out, number>;
  readonly answerBytes: number;
}

/** Writes a message for a batch. @param after whether the init leaves it alone where the batch before it was stopped */
export type MessageWriter = (calls: readonly Call[], after: boolean) => Message;

/**
 * A writer that writes each message in the same memory.
 * @param column of the system call numbers: 0 for x86-64, 1 for arm64
 */
export function messageWriter(column: 0 | 1): MessageWriter {
  const arena = new Arena(new Uint8Array(FIRST_BYTES), ARENA_BASE, placeOut, grow);
  /** Of the batch that is being written: its out buffers, and the size of its answer so far. */
  let outs = new Map<Out, number>();
  let answerBytes = 0;

  function placeOut(out: Out): number {
    let at = outs.get(out);
    if (at === undefined) {
      at = answerBytes;
      outs.set(out, at);
      answerBytes += align8(out.bytes.length);
    }
    return ARENA_BASE + HALF_BYTES + at;
  }

  function encodeCall(call: Call | undefined, index: number): void {
    if (call === undefined) return;
    const { args } = call;
    const at = HEADER_BYTES + index * CALL_BYTES;
    let flags = (call.mayFail ? FLAG.MAY_FAIL : 0) | (call.serve ? FLAG.SERVE : 0);
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (arg === undefined || arg === null || arg === 0) continue;
      if (typeof arg === 'number' || typeof arg === 'bigint') arena.put64(at + 8 + i * 8, arg);
      else if (isResult(arg)) {
        if (arg.index >= index) earlierResult([], arg.index);
        flags |= 1 << i;
        arena.put64(at + 8 + i * 8, arg.index);
      } else arena.put64(at + 8 + i * 8, arena.place(arg));
    }
    if (call.childServes !== undefined) {
      flags |= FLAG.CHILD_SERVES;
      arena.put64(at + 8 + 5 * 8, call.childServes);
    }
    arena.words[at >> 2] = SYSNO[call.name][column];
    arena.words[(at >> 2) + 1] = flags;
  }

  return (calls, after) => {
    const resultsEnd = 8 + 8 * calls.length;
    outs = new Map();
    answerBytes = resultsEnd;
    arena.cursor = 0;
    arena.reserve(HEADER_BYTES + calls.length * CALL_BYTES);
    arena.cursor = HEADER_BYTES + calls.length * CALL_BYTES;
    arena.words.fill(0, 0, arena.cursor >> 2);
    for (let index = 0; index < calls.length; index++) encodeCall(calls[index], index);
    arena.reserve(8);
    const size = align8(arena.cursor);
    if (size > HALF_BYTES || answerBytes > HALF_BYTES)
      throw new RangeError(`a batch of ${size} bytes is more than an init takes`);
    arena.words[0] = size;
    arena.words[1] = calls.length;
    arena.words[2] = answerBytes - resultsEnd;
    arena.words[AFTER >> 2] = after ? 1 : 0;
    return { bytes: arena.bytes, size, outs, answerBytes };
  };
}

/** Doubles the memory. Its address in this process does not matter: pointers hold the init's addresses. */
function grow(bytes: Uint8Array): Uint8Array {
  const larger = new Uint8Array(bytes.length * 2);
  larger.set(bytes);
  return larger;
}

const isResult = (arg: Arg): arg is Extract<Arg, { kind: 'result' }> =>
  typeof arg === 'object' && arg !== null && 'kind' in arg && arg.kind === 'result';
