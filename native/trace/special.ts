/** Kinds of arguments that only one call, or one family of calls, has. */

import { AT, F, F_SEAL, FD_CLOEXEC, S } from '../constants/files.ts';
import { OPEN_TREE } from '../constants/mount.ts';
import { CAPABILITIES, PR, W } from '../constants/process.ts';
import { SIOC, SOCK, TC, TIOC } from '../constants/socket.ts';
import { any, depends, flags, int, type Kind, member, mode, ofNumber, signal, unused } from './kinds.ts';
import { flagNames, memberName, openFlags } from './names.ts';
import { Word } from './shown.ts';
import { winsize } from './structs.ts';

export const open = ofNumber(openFlags);

/** A mode. The kernel looks at it only if the flags before it create a file. */
export const creationMode: Kind = (arg, seen) => {
  const how = seen.args[2];
  return typeof how === 'number' && !(how & 0o100) ? undefined : mode(arg, seen);
};

export const fileMode = ofNumber((value) => {
  const type = memberName('S', S, BigInt(value) & BigInt(S.IFMT));
  const permissions = `0${(BigInt(value) & 0o7777n).toString(8)}`;
  return new Word(type instanceof Word ? `${type.text}|${permissions}` : permissions);
});

/** A device number as the kernel packs it for user space. */
export const device = ofNumber((value) => {
  const number = BigInt.asUintN(64, BigInt(value));
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
  const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn);
  return number === 0n ? 0 : new Word(`makedev(${major}, ${minor})`);
});

/** The flags that *at(2) calls share. Each other flag of the group belongs to one call. */
const { SYMLINK_NOFOLLOW, SYMLINK_FOLLOW, NO_AUTOMOUNT, EMPTY_PATH, RECURSIVE } = AT;
const AT_SHARED = { SYMLINK_NOFOLLOW, SYMLINK_FOLLOW, NO_AUTOMOUNT, EMPTY_PATH, RECURSIVE };
export const atFlags = flags('AT', AT_SHARED);
export const accessFlags = flags('AT', { ...AT_SHARED, EACCESS: AT.EACCESS });
export const unlinkFlags = flags('AT', { REMOVEDIR: AT.REMOVEDIR });
export const openTreeFlags = flags('', {
  OPEN_TREE_CLONE: OPEN_TREE.CLONE,
  OPEN_TREE_CLOEXEC: OPEN_TREE.CLOEXEC,
  AT_EMPTY_PATH: AT.EMPTY_PATH,
  AT_RECURSIVE: AT.RECURSIVE,
  AT_SYMLINK_NOFOLLOW: AT.SYMLINK_NOFOLLOW,
});
export const waitFlags = flags('', { WNOHANG: W.NOHANG, WEXITED: W.EXITED, WNOWAIT: W.NOWAIT, __WALL: W.ALL });

const { CLOEXEC, NONBLOCK, ...SOCKET_TYPES } = SOCK;
export const socketFlags = flags('SOCK', { CLOEXEC, NONBLOCK });
/** The type of a socket: a number, with flags in the bits above it. */
export const socketType = ofNumber((value) => {
  const type = memberName('SOCK', SOCKET_TYPES, BigInt(value) & 0xfn);
  const rest = flagNames('SOCK', { CLOEXEC, NONBLOCK }, BigInt(value) & ~0xfn);
  const name = type instanceof Word ? type.text : String(type);
  return new Word(rest instanceof Word ? `${name}|${rest.text}` : name);
});

const { CAP_AMBIENT_IS_SET, CAP_AMBIENT_RAISE, CAP_AMBIENT_CLEAR_ALL, ...PR_OPTIONS } = PR;
const ambient = member('PR_CAP_AMBIENT', {
  IS_SET: CAP_AMBIENT_IS_SET,
  RAISE: CAP_AMBIENT_RAISE,
  CLEAR_ALL: CAP_AMBIENT_CLEAR_ALL,
});
const capability = member('', Object.fromEntries(CAPABILITIES.map((name, number) => [name, number])));
export const prctlOption = member('PR', PR_OPTIONS);
export const prctlArgument = depends(0, (option) => {
  if (option === PR.CAP_AMBIENT) return ambient;
  if (option === PR.CAPBSET_DROP || option === PR.CAPBSET_READ) return capability;
  if (option === PR.SET_PDEATHSIG) return signal;
  return option === PR.GET_DUMPABLE ? unused : any;
});
export const prctlSecond: Kind = (arg, seen) =>
  seen.args[0] === PR.CAP_AMBIENT && seen.args[1] !== CAP_AMBIENT_CLEAR_ALL ? capability(arg, seen) : undefined;

export const fcntlArgument = depends(1, (command) => {
  if (command === F.SETFD) return flags('FD', { CLOEXEC: FD_CLOEXEC });
  if (command === F.SETFL) return open;
  if (command === F.ADD_SEALS) return flags('F_SEAL', F_SEAL);
  return command === F.GETFD || command === F.GETFL ? unused : int;
});

const REQUESTS = Object.entries({ TIOC, TC, SIOC }).flatMap(([prefix, group]) =>
  Object.entries(group).map(([name, request]) => [`${prefix}${name}`, request] as const),
);
export const ioctlRequest = ofNumber((value) => {
  const number = Number(BigInt.asUintN(32, BigInt(value)));
  return new Word(REQUESTS.find(([, request]) => request === number)?.[0] ?? `0x${number.toString(16)}`);
});
export const ioctlArgument = depends(1, (request) => {
  if (request === TIOC.SWINSZ || request === TIOC.GWINSZ) return winsize;
  return request === TIOC.GPTPEER ? open : any;
});
