/** The program of a filter that crun's annotation brings. Pure. */

import { SECCOMP_RET } from '../../native/constants/seccomp.ts';
import { BPF_RETURN, INSTRUCTION_BYTES, LONGEST_PROGRAM } from './bpf.ts';
import { RAW_FILTER } from './profile.ts';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * @param text the value of the annotation
 * @returns sock_filter[]. The kernel checks its jumps when it is loaded.
 * @throws Error where this is no program
 */
export function readRawFilter(text: string): Uint8Array {
  const problem = (what: string): Error => new Error(`annotation ${RAW_FILTER}: ${what}`);
  if (!BASE64.test(text)) throw problem('it is not base64');
  const program = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  if (program.length === 0) throw problem('it has no instruction');
  if (program.length % INSTRUCTION_BYTES !== 0)
    throw problem(`${program.length} bytes are no whole instructions of ${INSTRUCTION_BYTES}`);
  if (program.length > LONGEST_PROGRAM * INSTRUCTION_BYTES)
    throw problem(`it has more than ${LONGEST_PROGRAM} instructions`);
  return program;
}

/** Whether an instruction of the program asks an agent. A value that is computed is not seen. */
export function asksAgent(program: Uint8Array): boolean {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  for (let at = 0; at < program.length; at += INSTRUCTION_BYTES)
    if (view.getUint16(at, true) === BPF_RETURN && view.getUint32(at + 4, true) === SECCOMP_RET.USER_NOTIF) return true;
  return false;
}
