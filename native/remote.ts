/**
 * The kernel as an init reaches it: batches over a socket, performed by native/init/init.c.
 *
 * A message (little-endian, sizes in bytes) is laid out exactly as the init's memory will hold it:
 *   u32 size, count, outBytes, 0 · count × { u32 nr, flags; u64 args[6] } · what the arguments point to
 * The answer, made in the second half of the init's arena: u64 done · count × i64 results · the out buffers.
 */

import { Arena, align8 } from './arena.ts';
import { ERRNO } from './constants/errno.ts';
import { MSG } from './constants/socket.ts';
import { SYSNO } from './constants/sysno.ts';
import { type Arg, type Call, type Kernel, LostPeerError, type Out, type Outcome } from './kernel.ts';
import type { Libc } from './libc.ts';
import { resultOf } from './local.ts';

const ARENA_BASE = 0x1_0000_0000;
/** Half of the init's arena: the other half is for the answer. */
const HALF_BYTES = 8 << 20;
/** It grows. Fresh memory is what a cold start pays for. */
const FIRST_BYTES = 16 * 1024;
const HEADER_BYTES = 16;
const CALL_BYTES = 56;
const FLAG = { MAY_FAIL: 1 << 8, CHILD_SERVES: 1 << 9, SERVE: 1 << 10 } as const;

/** @param socket this side of a connected stream socket; whoever made it closes it */
export function remoteKernel(libc: Libc, socket: number, performer: string): Kernel {
  const column = process.arch === 'arm64' ? 1 : 0;

  const arena = new Arena(new Uint8Array(FIRST_BYTES), ARENA_BASE, placeOut, grow);
  /** Of the batch that is being written: its out buffers, and the size of its answer up to now. */
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

  /** @returns the message's size */
  function encode(calls: readonly Call[]): number {
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
    return size;
  }

  function encodeCall(call: Call | undefined, index: number): void {
    if (call === undefined) return;
    const { args } = call;
    const at = HEADER_BYTES + index * CALL_BYTES;
    let flags = (call.mayFail ? FLAG.MAY_FAIL : 0) | (call.serve ? FLAG.SERVE : 0);
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (arg === undefined || arg === null) continue;
      if (isResult(arg)) {
        if (arg.index >= index) resultOf(arg.index, []);
        flags |= 1 << i;
        arena.put64(at + 8 + i * 8, arg.index);
      } else arena.put64(at + 8 + i * 8, typeof arg === 'number' || typeof arg === 'bigint' ? arg : arena.place(arg));
    }
    if (call.childServes !== undefined) {
      flags |= FLAG.CHILD_SERVES;
      arena.put64(at + 8 + 5 * 8, call.childServes);
    }
    arena.words[at >> 2] = SYSNO[call.name][column];
    arena.words[(at >> 2) + 1] = flags;
  }

  /** Moves `size` bytes at `bytes`. */
  function transfer(direction: 'sendto' | 'read', bytes: Uint8Array, size: number): void {
    const address = Number(libc.koffi.address(bytes));
    const nr = SYSNO[direction][column];
    for (let moved = 0; moved < size; ) {
      const n = Number(libc.syscall(nr, socket, address + moved, size - moved, MSG.NOSIGNAL, 0, 0));
      if (n > 0) moved += n;
      else if (n === 0 || libc.errno() !== ERRNO.EINTR) throw new LostPeerError(performer);
    }
  }

  return {
    performer,
    submit(calls: readonly Call[]): Outcome {
      const size = encode(calls);
      transfer('sendto', arena.bytes, size);
      const answer = new Uint8Array(answerBytes);
      transfer('read', answer, answerBytes);
      const words = new Int32Array(answer.buffer, 0, 2 + 2 * calls.length);
      const done = words[0] ?? 0;
      const results: number[] = [];
      for (let i = 2; i < 2 + 2 * done; i += 2)
        results.push((words[i + 1] ?? 0) * 0x1_0000_0000 + ((words[i] ?? 0) >>> 0));
      for (const [out, at] of outs) out.bytes.set(answer.subarray(at, at + out.bytes.length));
      const failed = done > 0 && (results[done - 1] ?? 0) < 0 && !calls[done - 1]?.mayFail;
      return { results, stoppedAt: failed ? done - 1 : undefined };
    },
  };
}

/** At least twice the size: the init's addresses do not change, ours do not matter. */
function grow(bytes: Uint8Array): Uint8Array {
  const larger = new Uint8Array(bytes.length * 2);
  larger.set(bytes);
  return larger;
}

const isResult = (arg: Arg): arg is Extract<Arg, { kind: 'result' }> =>
  typeof arg === 'object' && arg !== null && 'kind' in arg && arg.kind === 'result';
