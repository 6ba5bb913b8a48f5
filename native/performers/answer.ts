/**
 * What an init answers (remote.ts has the layout), checked. An init is not trusted that far: a program of the container's
 * may have taken it over. Its answer counts only where the rules of a batch allow it, so that no effect goes on
 * with a result that is missing, or with one that no system call can have.
 */

import { type Call, MalformedAnswerError, type Outcome } from '../kernel/kernel.ts';

/** Where the first result is, in 32-bit words; and instead of how many calls were performed, that none was. */
const FIRST_RESULT = 2;
const NOT_PERFORMED = -1;
/** The kernel's limit of error numbers, and of process numbers. */
const MAX_ERRNO = 4095;
const PID_MAX_LIMIT = 1 << 22;

/**
 * @param words the answer as 32-bit words, with room for a result of each call
 * @param skips whether the init is to leave the batch alone, since the one before it was stopped or left alone
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
  // A call to serve on is only performed after the answer.
  if (done < calls.length && !(calls[done]?.serve && done + 1 === calls.length))
    throw malformed(`${done} of ${calls.length} calls, and none has failed`);
  return { results, stoppedAt: undefined };
}

function isPossible(call: Call, result: number): boolean {
  if (call.serve || result < -MAX_ERRNO || result > Number.MAX_SAFE_INTEGER) return false;
  // The child itself does not answer here.
  return call.childServes === undefined || (result !== 0 && result <= PID_MAX_LIMIT);
}
