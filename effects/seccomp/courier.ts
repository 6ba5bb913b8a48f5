/**
 * Sends the listener of a filter from the init that loaded it to the agent. Once the filter is loaded, the init is
 * under it: whatever call it uses to send the descriptor may be refused, or wait for the agent that has not got the
 * descriptor yet. (So runc refuses profiles that notify of write(2). But bypass4netns, for one, wants to hear of
 * sendmsg(2).)
 *
 * So the filter lets one sendmsg(2) through before the profile is asked: the one whose fourth argument, which the call
 * does not have, is a random number of 64 bits. The number is drawn for each load. It lives in the init's memory only
 * until execve, and the kernel shows a filter to nobody whom the filter confines.
 */

import { filteredNumber, setModeFilter } from '../../native/calls/seccomp.ts';
import { sendDescriptors } from '../../native/calls/sockets.ts';
import { BPF, NATIVE_ARCH, SECCOMP_DATA, SECCOMP_RET } from '../../native/constants/seccomp.ts';
import type { Call } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { answer, assemble, jump, load, prepend } from './bpf.ts';
import type { CompiledSeccomp } from './seccomp.ts';

interface Courier {
  /** In the init: the connection to the agent. Close-on-exec. */
  readonly socket: Fd;
  /** In the init: its lowest free descriptor, which the kernel will give to the listener. */
  readonly listener: Fd;
  /** The container process state, in JSON. */
  readonly state: Uint8Array;
  /** 64 random bits. */
  readonly secret: bigint;
}

/** Loads the filter, and sends the listener. Nothing may be opened or closed before these calls in the same batch. */
export function courierCalls({ program, flags }: CompiledSeccomp, courier: Courier): readonly Call[] {
  const send = sendDescriptors(courier.socket, [courier.listener], courier.state);
  return [
    setModeFilter(flags, prepend(courierPrelude(courier.secret), program)),
    { ...send, args: [...send.args, courier.secret] },
  ];
}

/** Where struct seccomp_data has the fourth argument. */
const SECRET_ARGUMENT = SECCOMP_DATA.ARGS + 3 * 8;

/** The program that lets this one call through, and goes on to the profile's for any other. */
export function courierPrelude(secret: bigint): Uint8Array {
  return assemble([
    load(SECCOMP_DATA.ARCH),
    jump(BPF.JMP_JEQ_K, NATIVE_ARCH, 0, 7),
    load(SECCOMP_DATA.NR),
    jump(BPF.JMP_JEQ_K, filteredNumber('sendmsg'), 0, 5),
    load(SECRET_ARGUMENT),
    jump(BPF.JMP_JEQ_K, Number(secret & 0xffff_ffffn), 0, 3),
    load(SECRET_ARGUMENT + 4),
    jump(BPF.JMP_JEQ_K, Number((secret >> 32n) & 0xffff_ffffn), 0, 1),
    answer(SECCOMP_RET.ALLOW),
  ]);
}
