/**
 * The kernel as an init reaches it: batches over a socket, performed by native/init/init.c.
 *
 * A message (little-endian, sizes in bytes) is laid out exactly as the init's memory will hold it:
 *   u32 size, count, outBytes, 0 · count × { u32 nr, flags; u64 args[6] } · what the arguments point to
 * The answer is: u64 done · count × i64 results · the out buffers.
 */

import { Arena, align8, type Extent, measure } from './arena.ts';
import { ERRNO } from './constants/errno.ts';
import { MSG } from './constants/socket.ts';
import { SYSNO } from './constants/sysno.ts';
import { type Arg, type Call, type Kernel, LostPeerError, type Outcome } from './kernel.ts';
import type { Libc } from './libc.ts';
import { resultOf } from './local.ts';

const ARENA_BASE = 0x1_0000_0000;
/** Half of the init's arena: the other half is for the answer. */
const MAX_MESSAGE_BYTES = 8 << 20;
const HEADER_BYTES = 16;
const CALL_BYTES = 56;
const FLAG = { MAY_FAIL: 1 << 8, CHILD_SERVES: 1 << 9, SERVE: 1 << 10 } as const;

/** @param socket this side of a connected stream socket; whoever made it closes it */
export function remoteKernel(libc: Libc, socket: number, performer: string): Kernel {
  const column = process.arch === 'arm64' ? 1 : 0;
  let arena = new Arena(new Uint8Array(64 * 1024), ARENA_BASE);

  function encode(calls: readonly Call[], extent: Extent): number {
    const dataStart = HEADER_BYTES + calls.length * CALL_BYTES;
    // A string is never longer than measured, but may be shorter: the out buffers' place is fixed after the estimate.
    const size = align8(dataStart + extent.dataBytes);
    if (size > MAX_MESSAGE_BYTES) throw new RangeError(`a batch of ${size} bytes is more than an init takes`);
    if (size > arena.bytes.length) arena = new Arena(new Uint8Array(size * 2), ARENA_BASE);
    arena.reset(dataStart);
    let outOffset = size + 8 + 8 * calls.length;
    for (const out of extent.outs) {
      arena.reserve(out, outOffset);
      outOffset += align8(out.bytes.length);
    }
    arena.put32(0, size);
    arena.put32(4, calls.length);
    arena.put32(8, extent.outBytes);
    arena.put32(12, 0);
    calls.forEach((call, index) => {
      encodeCall(call, HEADER_BYTES + index * CALL_BYTES);
    });
    return size;
  }

  function encodeCall(call: Call, at: number): void {
    let flags = (call.mayFail ? FLAG.MAY_FAIL : 0) | (call.serve ? FLAG.SERVE : 0);
    for (let i = 0; i < 6; i++) {
      const arg = call.args[i];
      if (isResult(arg)) flags |= 1 << i;
      arena.put64(at + 8 + i * 8, word(arg));
    }
    if (call.childServes !== undefined) {
      flags |= FLAG.CHILD_SERVES;
      arena.put64(at + 8 + 5 * 8, call.childServes);
    }
    arena.put32(at, SYSNO[call.name][column]);
    arena.put32(at + 4, flags);
  }

  function word(arg: Arg | undefined): number | bigint {
    if (typeof arg === 'number' || typeof arg === 'bigint') return arg;
    if (arg === undefined || arg === null) return 0;
    return isResult(arg) ? arg.index : arena.place(arg);
  }

  /** Moves all of `bytes`. */
  function transfer(direction: 'sendto' | 'read', bytes: Uint8Array): void {
    const address = Number(libc.koffi.address(bytes));
    const nr = SYSNO[direction][column];
    for (let moved = 0; moved < bytes.length; ) {
      const n = Number(libc.syscall(nr, socket, address + moved, bytes.length - moved, MSG.NOSIGNAL, 0, 0));
      if (n > 0) moved += n;
      else if (n === 0 || libc.errno() !== ERRNO.EINTR) throw new LostPeerError(performer);
    }
  }

  return {
    performer,
    submit(calls: readonly Call[]): Outcome {
      const extent = measure(calls);
      checkReferences(calls);
      const size = encode(calls, extent);
      transfer('sendto', arena.bytes.subarray(0, size));
      const answer = new Uint8Array(8 + 8 * calls.length + extent.outBytes);
      transfer('read', answer);
      const reader = new Arena(answer, 0);
      const done = reader.get64(0);
      const results = Array.from({ length: done }, (_, i) => reader.get64(8 + 8 * i));
      for (const [out, at] of arena.outs()) out.bytes.set(answer.subarray(at - size, at - size + out.bytes.length));
      const last = calls[done - 1];
      const failed = done > 0 && (results[done - 1] ?? 0) < 0 && !last?.mayFail;
      return { results, stoppedAt: failed ? done - 1 : undefined };
    },
  };
}

const isResult = (arg: Arg | undefined): arg is Extract<Arg, { kind: 'result' }> =>
  typeof arg === 'object' && arg !== null && !(arg instanceof Uint8Array) && arg.kind === 'result';

/** A reference can only go backwards; the init does not check. */
function checkReferences(calls: readonly Call[]): void {
  calls.forEach((call, index) => {
    for (const arg of call.args) if (isResult(arg) && arg.index >= index) resultOf(arg.index, []);
  });
}
