/** The program of a filter that crun's annotation brings. Pure. */

import { BPF, BPF_MAXINSNS, SECCOMP_RET, SOCK_FILTER_BYTES } from '../../native/constants/seccomp.ts';
import { viewOf } from '../../native/kernel/struct.ts';
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
  if (program.length % SOCK_FILTER_BYTES !== 0)
    throw problem(`${program.length} bytes are no whole instructions of ${SOCK_FILTER_BYTES}`);
  if (program.length > BPF_MAXINSNS * SOCK_FILTER_BYTES) throw problem(`it has more than ${BPF_MAXINSNS} instructions`);
  return program;
}

/** Whether an instruction of the program asks an agent. A value that is computed is not seen. */
export function asksAgent(program: Uint8Array): boolean {
  const view = viewOf(program);
  for (let at = 0; at < program.length; at += SOCK_FILTER_BYTES)
    if (view.getUint16(at, true) === BPF.RET_K && view.getUint32(at + 4, true) === SECCOMP_RET.USER_NOTIF) return true;
  return false;
}
