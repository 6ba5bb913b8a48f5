/** Shows kernel structures, field by field. A field is left out where it is zero and means nothing then. */

import { STATX_BYTES } from '../calls/files.ts';
import { deviceOf, groupOf, modeOf, ownerOf, sizeOf, typeOf } from '../calls/stat.ts';
import { RESOLVE, S } from '../constants/files.ts';
import { MOUNT_ATTR, MS } from '../constants/mount.ts';
import { CAPABILITIES, CLONE } from '../constants/process.ts';
import { SIGNALS } from '../constants/signal.ts';
import { AF, POLL, SCM_RIGHTS, SOL_SOCKET } from '../constants/socket.ts';
import type { Memory, Struct } from '../kernel/kernel.ts';
import { any, bytesOf, isStructured, type Kind, ofAnswer, ofBytes } from './kinds.ts';
import { flagNames, memberName, openFlags } from './names.ts';
import { hex, integer, octal, preview, type Shown, type ShownFields, Word } from './shown.ts';

const nonZero = (fields: ShownFields): ShownFields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== 0));

export const openHow = ofBytes(24, (view) => ({
  flags: openFlags(view.getBigUint64(0, true)),
  ...nonZero({
    mode: zeroOr(octal)(view.getBigUint64(8, true)),
    resolve: flagNames('RESOLVE', RESOLVE, view.getBigUint64(16, true)),
  }),
}));

export const cloneArgs = ofBytes(88, (view) => ({
  flags: flagNames('CLONE', CLONE, view.getBigUint64(0, true)),
  ...nonZero({
    exit_signal: integer(view.getBigUint64(32, true)),
    cgroup: integer(view.getBigUint64(80, true)),
  }),
}));

export const mountAttr = ofBytes(32, (view) =>
  nonZero({
    attr_set: flagNames('MOUNT_ATTR', MOUNT_ATTR, view.getBigUint64(0, true)),
    attr_clr: flagNames('MOUNT_ATTR', MOUNT_ATTR, view.getBigUint64(8, true)),
    propagation: flagNames('MS', MS, view.getBigUint64(16, true)),
    userns_fd: integer(view.getBigUint64(24, true)),
  }),
);

const limit = (value: bigint): Shown =>
  value === 0xffff_ffff_ffff_ffffn ? new Word('RLIM64_INFINITY') : integer(value);
const rlimitFields = (view: DataView): Shown => ({
  rlim_cur: limit(view.getBigUint64(0, true)),
  rlim_max: limit(view.getBigUint64(8, true)),
});
export const rlimit = ofBytes(16, rlimitFields);
export const oldRlimit = ofAnswer(16, rlimitFields);

export const socketAddress = ofBytes(2, (view, bytes) => {
  const family = view.getUint16(0, true);
  const sa_family = memberName('AF', AF, family);
  if (family !== AF.UNIX) return { sa_family, data: preview(bytes.subarray(2)) };
  const abstract = bytes[2] === 0 && bytes.length > 3;
  const rest = bytes.subarray(abstract ? 3 : 2);
  const end = abstract ? -1 : rest.indexOf(0);
  const name = new TextDecoder().decode(end < 0 ? rest : rest.subarray(0, end));
  return { sa_family, sun_path: abstract ? `@${name}` : name };
});

export const capabilityHeader = ofBytes(8, (view) => ({
  version: hex(view.getUint32(0, true)),
  ...nonZero({ pid: view.getInt32(4, true) }),
}));
const capabilitySet = (view: DataView, offset: number): Shown => {
  let set = BigInt(view.getUint32(offset, true)) | (BigInt(view.getUint32(offset + 12, true)) << 32n);
  const names: string[] = [];
  for (const [number, name] of CAPABILITIES.entries()) {
    if (!(set & (1n << BigInt(number)))) continue;
    names.push(name);
    set &= ~(1n << BigInt(number));
  }
  if (set !== 0n) names.push(hex(set).text);
  return names.length === 0 ? 0 : new Word(names.join('|'));
};
const capabilityFields = (view: DataView): Shown => ({
  effective: capabilitySet(view, 0),
  permitted: capabilitySet(view, 4),
  inheritable: capabilitySet(view, 8),
});
export const capabilities = ofBytes(24, capabilityFields);
export const heldCapabilities = ofAnswer(24, capabilityFields);

export const ids = ofBytes(0, (view) =>
  Array.from({ length: view.byteLength >> 2 }, (_, i) => view.getUint32(i * 4, true)),
);
export const descriptorPair = ofAnswer(8, (view) => [view.getInt32(0, true), view.getInt32(4, true)]);

/** A set of signals: bit 0 is signal 1. */
export const signalSet = ofBytes(8, (view) => {
  const set = view.getBigUint64(0, true);
  const table = Object.fromEntries(Object.entries(SIGNALS).map(([name, number]) => [name, 2 ** (number - 1)]));
  return set === 0xffff_ffff_ffff_ffffn ? new Word('~[]') : flagNames('', table, set);
});

export const siginfo = ofAnswer(28, (view) => ({
  si_code: view.getInt32(8, true),
  si_pid: view.getInt32(16, true),
  si_status: view.getInt32(24, true),
}));

export const statxAnswer = ofAnswer(STATX_BYTES, (_, bytes) => {
  const stat = { bytes };
  const { major, minor } = deviceOf(stat);
  return {
    type: memberName('S', S, typeOf(stat)),
    mode: octal(modeOf(stat) & ~S.IFMT),
    uid: ownerOf(stat),
    gid: groupOf(stat),
    size: sizeOf(stat),
    ...nonZero({ rdev_major: major, rdev_minor: minor }),
  };
});

export const statfsAnswer = ofAnswer(8, (view) => ({ f_type: hex(view.getBigUint64(0, true)) }));

/** getdents64(2): the names of the entries. The call's result says how many bytes of them there are. */
export const entries: Kind = (arg, seen) => {
  const bytes = bytesOf(arg);
  if (bytes === undefined || seen.result === undefined || seen.result < 0) return any(arg, seen);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = Math.min(seen.result, bytes.length);
  const names: string[] = [];
  for (let at = 0; at + 19 < end; ) {
    const size = view.getUint16(at + 16, true);
    if (size < 20) break;
    const name = bytes.subarray(at + 19, Math.min(at + size, end));
    names.push(new TextDecoder().decode(name).replace(/\0.*$/s, ''));
    at += size;
  }
  return names;
};

export const winsize = ofBytes(8, (view) => ({ ws_row: view.getUint16(0, true), ws_col: view.getUint16(2, true) }));
export const timespec = ofBytes(16, (view) => ({
  tv_sec: integer(view.getBigInt64(0, true)),
  tv_nsec: integer(view.getBigInt64(8, true)),
}));
export const polled = ofBytes(0, (view) =>
  Array.from({ length: view.byteLength >> 3 }, (_, i) => ({
    fd: view.getInt32(i * 8, true),
    events: flagNames('POLL', POLL, view.getUint16(i * 8 + 4, true)),
    ...nonZero({ revents: flagNames('POLL', POLL, view.getUint16(i * 8 + 6, true)) }),
  })),
);

const pointees = (struct: Struct): readonly Memory[] => struct.pointers.map(({ target }) => target);

export const argv: Kind = (arg, seen) =>
  isStructured(arg) && arg.kind === 'struct' ? pointees(arg).map((one) => any(one, seen) ?? null) : any(arg, seen);
/** Variables are only counted, since some hold passwords. */
export const environment: Kind = (arg, seen) =>
  isStructured(arg) && arg.kind === 'struct' ? new Word(`/* ${arg.pointers.length} vars */`) : any(arg, seen);

/** sendmsg(2), recvmsg(2): the data and the descriptors of a message, without the structures around them. */
export const message: Kind = (arg, seen) => {
  if (!isStructured(arg) || arg.kind !== 'struct') return any(arg, seen);
  const iovec = pointeeAt(arg, 16);
  const control = bytesOf(pointeeAt(arg, 32) ?? null);
  const content =
    iovec !== undefined && isStructured(iovec) && iovec.kind === 'struct' ? pointeeAt(iovec, 0) : undefined;
  const received = seen.result !== undefined && seen.result >= 0 ? seen.result : undefined;
  const bytes = bytesOf(content ?? null)?.subarray(0, received);
  return {
    data: bytes === undefined ? (any(content ?? null, seen) ?? null) : preview(bytes),
    ...(control === undefined ? {} : { control: descriptorsIn(control) }),
  };
};

const pointeeAt = (struct: Struct, offset: number): Memory | undefined =>
  struct.pointers.find((pointer) => pointer.offset === offset)?.target;

function descriptorsIn(control: Uint8Array): Shown {
  const view = new DataView(control.buffer, control.byteOffset, control.byteLength);
  if (control.length < 16 || view.getUint32(8, true) !== SOL_SOCKET || view.getUint32(12, true) !== SCM_RIGHTS)
    return [];
  const end = Math.min(view.getUint32(0, true), control.length);
  return Array.from({ length: Math.max(0, (end - 16) >> 2) }, (_, i) => view.getInt32(16 + i * 4, true));
}

function zeroOr(show: (value: bigint) => Shown): (value: bigint) => Shown {
  return (value) => (value === 0n ? 0 : show(value));
}
