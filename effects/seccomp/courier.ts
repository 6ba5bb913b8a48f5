/**
 * How the descriptor of a notifying filter leaves the init that loaded it. From then on the init is under the filter:
 * whatever call it would use to hand the descriptor on may be refused, or wait for the agent that is still to get it.
 * (runc refuses profiles that notify of write(2) for that reason; bypass4netns, for one, wants to hear of sendmsg(2).)
 * So the filter lets one sendmsg(2) through before the profile is asked: the one whose fourth argument, which the call
 * does not have, is a random number of 64 bits. It is drawn for each load, lives in the init's memory only until
 * execve, and the kernel shows a filter to nobody whom it confines.
 */

import { filteredNumber, setModeFilter } from '../../native/calls/seccomp.ts';
import { sendDescriptors } from '../../native/calls/sockets.ts';
import { BPF, NATIVE_ARCH, SECCOMP_DATA, SECCOMP_RET } from '../../native/constants/seccomp.ts';
import type { Call } from '../../native/kernel/kernel.ts';
import { answer, assemble, jump, load, prepend } from './bpf.ts';
import type { CompiledSeccomp } from './seccomp.ts';

interface Courier {
  /** In the init: the connection to the agent. Close-on-exec. */
  readonly socket: number;
  /** In the init: its lowest free descriptor, which the kernel will give to the listener. */
  readonly listener: number;
  /** The container process state, in JSON. */
  readonly state: Uint8Array;
  /** 64 random bits. */
  readonly secret: bigint;
}

/** Loads the filter and sends the listener's descriptor; nothing may be opened or closed before in the same batch. */
export function courierCalls({ program, flags }: CompiledSeccomp, courier: Courier): readonly Call[] {
  const send = sendDescriptors(courier.socket, [courier.listener], courier.state);
  return [
    setModeFilter(flags, prepend(courierPrelude(courier.secret), program)),
    { ...send, args: [...send.args, courier.secret] },
  ];
}

const SECRET_ARGUMENT = SECCOMP_DATA.ARGS + 3 * 8;

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
