/**
 * Reads the answers of an init (remote.ts has the layout), and checks them. A program of the container may have taken
 * an init over. So an answer must be one that the rules of a batch allow: no effect goes on with a result that is
 * missing, or that no system call can have.
 */

import { type Call, MalformedAnswerError, type Outcome } from '../kernel/kernel.ts';

/** Where the first result is, in 32-bit words. */
const FIRST_RESULT = 2;
/** Stands for how many calls were performed where the batch was left alone. */
const NOT_PERFORMED = -1;
/** The kernel's limits of error numbers and of process ids. */
const MAX_ERRNO = 4095;
const PID_MAX_LIMIT = 1 << 22;

/**
 * @param words the answer as 32-bit words, with room for a result of each call
 * @param skips whether the init was to leave the batch alone, since the one before it was stopped or left alone
 * @returns undefined for a batch that was left alone
 * @throws MalformedAnswerError
 */
export function readAnswer(
  performer: string,
  calls: readonly Call[],
  words: Int32Array,
  skips: boolean,
): Outcome | undefined {
  const done = words[0] ?? 0;
  const high = words[1] ?? 0;
  const malformed = (what: string): MalformedAnswerError => new MalformedAnswerError(performer, what);
  if (skips) {
    if (done === NOT_PERFORMED && high === NOT_PERFORMED) return undefined;
    throw malformed('it says that it performed what it was to leave alone');
  }
  if (high !== 0 || done < 0 || done > calls.length)
    throw malformed(`${high * 0x1_0000_0000 + (done >>> 0)} of ${calls.length} calls`);

  const results: number[] = [];
  for (let index = 0; index < done; index++) {
    const at = FIRST_RESULT + 2 * index;
    const result = (words[at + 1] ?? 0) * 0x1_0000_0000 + ((words[at] ?? 0) >>> 0);
    const call = calls[index];
    if (call === undefined || !isPossible(call, result)) throw malformed(`${call?.name} results in ${result}`);
    results.push(result);
    if (result >= 0 || call.mayFail) continue;
    if (index + 1 < done) throw malformed(`it went on after ${call.name} had failed`);
    return { results, stoppedAt: index };
  }
  // A call to serve on is performed after the answer.
  if (done < calls.length && !(calls[done]?.serve && done + 1 === calls.length))
    throw malformed(`${done} of ${calls.length} calls, and none has failed`);
  return { results, stoppedAt: undefined };
}

function isPossible(call: Call, result: number): boolean {
  if (call.serve || result < -MAX_ERRNO || result > Number.MAX_SAFE_INTEGER) return false;
  // The child, for which the result is 0, does not answer here.
  return call.childServes === undefined || (result !== 0 && result <= PID_MAX_LIMIT);
}
