/** bpf(2), as far as programs that filter a cgroup's devices need it. */

import type { Call, Memory, Out } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { out, viewOf } from '../kernel/struct.ts';

const CMD = { PROG_LOAD: 5, PROG_ATTACH: 8, PROG_DETACH: 9, PROG_GET_FD_BY_ID: 13, PROG_QUERY: 16 } as const;
const PROG_TYPE_CGROUP_DEVICE = 15;
const ATTACH_CGROUP_DEVICE = 6;
const F = { ALLOW_MULTI: 2, REPLACE: 4 } as const;
const INSTRUCTION_BYTES = 8;
const LOG_BYTES = 64 * 1024;

interface Field {
  readonly offset: number;
  readonly value: number | Memory;
}

/** A `union bpf_attr`: 32-bit values, and pointers of eight bytes. */
function attr(size: number, ...fields: readonly Field[]): Memory {
  const bytes = new Uint8Array(size);
  const view = viewOf(bytes);
  const pointers: { offset: number; target: Memory }[] = [];
  for (const { offset, value } of fields) {
    if (typeof value === 'number') view.setUint32(offset, value, true);
    else pointers.push({ offset, target: value });
  }
  return { kind: 'struct', bytes, pointers };
}

const bpf = (command: number, size: number, ...fields: readonly Field[]): Call => ({
  name: 'bpf',
  args: [command, attr(size, ...fields), size],
});

/**
 * BPF_PROG_LOAD of a device program (since Linux 4.15). It returns a close-on-exec descriptor.
 * @param instructions struct bpf_insn[], 8 bytes each
 * @param license any name of the kernel's list of licences, since the program calls no helper that is GPL-only
 * @param log is told why the verifier refuses the program. A load that fails for other reasons leaves it empty
 */
export const loadDeviceProgram = (instructions: Uint8Array, license: string, log?: Out): Call<Fd> =>
  bpf(
    CMD.PROG_LOAD,
    48,
    { offset: 0, value: PROG_TYPE_CGROUP_DEVICE },
    { offset: 4, value: instructions.length / INSTRUCTION_BYTES },
    { offset: 8, value: instructions },
    { offset: 16, value: license },
    ...(log
      ? [
          { offset: 24, value: 1 },
          { offset: 28, value: log.bytes.length },
          { offset: 32, value: log },
        ]
      : []),
  );

/** Room for the verifier's log. */
export const verifierLog = (): Out => out(LOG_BYTES);

/**
 * BPF_PROG_ATTACH to a cgroup v2 directory, beside the programs that others attached.
 * @param replaced a descriptor of the program whose place it takes, in one step (BPF_F_REPLACE, since Linux 5.6)
 */
export const attachDeviceProgram = (directory: Fd, program: Fd, replaced?: Fd): Call =>
  bpf(
    CMD.PROG_ATTACH,
    20,
    { offset: 0, value: directory },
    { offset: 4, value: program },
    { offset: 8, value: ATTACH_CGROUP_DEVICE },
    { offset: 12, value: F.ALLOW_MULTI | (replaced === undefined ? 0 : F.REPLACE) },
    { offset: 16, value: replaced ?? 0 },
  );

export const detachDeviceProgram = (directory: Fd, program: Fd): Call =>
  bpf(
    CMD.PROG_DETACH,
    12,
    { offset: 0, value: directory },
    { offset: 4, value: program },
    { offset: 8, value: ATTACH_CGROUP_DEVICE },
  );

/** The kernel lets 64 programs be attached to a cgroup (BPF_CGROUP_MAX_PROGS). */
const MAX_PROGRAMS = 64;
export const programIds = (): Out => out(MAX_PROGRAMS * 4);

/** BPF_PROG_QUERY: the ids of the programs that are attached to this directory itself. */
export const queryDevicePrograms = (directory: Fd, into: Out): Call =>
  bpf(
    CMD.PROG_QUERY,
    32,
    { offset: 0, value: directory },
    { offset: 4, value: ATTACH_CGROUP_DEVICE },
    { offset: 16, value: into },
    { offset: 24, value: into.bytes.length / 4 },
  );

/** The ids that a query found. No program's id is 0. */
export function readProgramIds(into: Out): readonly number[] {
  const view = viewOf(into.bytes);
  const ids: number[] = [];
  for (let at = 0, id = 0; at < into.bytes.length; at += 4) {
    id = view.getUint32(at, true);
    if (id === 0) break;
    ids.push(id);
  }
  return ids;
}

/** BPF_PROG_GET_FD_BY_ID: a close-on-exec descriptor of the program. */
export const programById = (id: number): Call<Fd> => bpf(CMD.PROG_GET_FD_BY_ID, 12, { offset: 0, value: id });
