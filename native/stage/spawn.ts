/**
 * Starts native/init as a child of this process: the *stage*, from which a container's namespaces are made or joined.
 * It is executed from a sealed memfd and inherits only what it is given.
 */

import { close, duplicateAbove, fcntl, write } from '../calls/files.ts';
import { socketPair } from '../calls/pair.ts';
import { ERRNO } from '../constants/errno.ts';
import { F, F_SEAL, MFD } from '../constants/files.ts';
import type { Call, Kernel } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { attempt, call, perform, SyscallError } from '../kernel/perform.ts';
import { viewOf } from '../kernel/struct.ts';
import type { Libc } from '../libraries/libc.ts';
import { remoteKernels } from '../performers/remote.ts';
import type { Stage } from './stage.ts';

interface SpawnOptions {
  /** The init's ELF file. */
  readonly program: Uint8Array;
  /** What becomes the child's descriptors 0, 1, 2, … in this order. The first three are standard input, output and error. */
  readonly descriptors: readonly Fd[];
  readonly performer: string;
  /** Its socket's descriptor in the child: by default the one after `descriptors`. */
  readonly socket?: number;
  /** Makes its kernel: `remoteKernels`, where there are several. */
  readonly remote?: (socket: Fd, performer: string) => Kernel;
}

const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
/** @throws SyscallError */
export function spawnStage(libc: Libc, local: Kernel, options: SpawnOptions): Stage {
  const opened: number[] = [];
  const keep = (fd: Fd): number => {
    opened.push(fd);
    return fd;
  };
  try {
    const program = keep(sealedMemfd(local, options.program));
    const [ours, other] = socketPair(local);
    const theirs = keep(other);
    try {
      const { socket = options.descriptors.length } = options;
      // Where no dup2 in the child can overwrite it. Only just above its table: a caller's limit may be as low as 32.
      const isApart = (fd: Fd): boolean => fd > options.descriptors.length && fd !== socket;
      const apart = (fd: Fd): number => {
        let at = fd;
        for (let least = options.descriptors.length + 1; !isApart(at); least = socket + 1)
          at = keep(call(local, duplicateAbove(fd, least)));
        return at;
      };
      const table = [...options.descriptors, theirs].map(apart);
      const path = `/proc/self/fd/${apart(program)}`;
      const pid = posixSpawn(libc, path, ['runchart-init', String(socket)], table, socket);
      const { remote = remoteKernels(libc) } = options;
      const kernel = remote(ours, options.performer);
      return { pid, kernel, connection: ours, socket };
    } catch (error) {
      local.submit([close(ours)]);
      throw error;
    }
  } finally {
    local.submit(opened.map((fd) => ({ ...close(fd), mayFail: true })));
  }
}

/** Nobody can write to it or replace its content, not even by /proc/PID/exe (CVE-2019-5736). */
function sealedMemfd(local: Kernel, program: Uint8Array): number {
  const memfd = (flags: number): Call => ({ name: 'memfd_create', args: ['runchart-init', flags] });
  const flags = MFD.CLOEXEC | MFD.ALLOW_SEALING;
  let fd: Fd;
  try {
    fd = call(local, memfd(flags | MFD.EXEC));
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== ERRNO.EINVAL) throw error;
    fd = call(local, memfd(flags)); // before Linux 6.3
  }
  try {
    perform(local, [
      write(fd, program),
      fcntl(fd, F.ADD_SEALS, F_SEAL.SEAL | F_SEAL.SHRINK | F_SEAL.GROW | F_SEAL.WRITE),
    ]);
    return fd;
  } catch (error) {
    attempt(local, close(fd));
    throw error;
  }
}

/** @param last where the last descriptor of the table goes */
function posixSpawn(libc: Libc, path: string, argv: readonly string[], table: readonly Fd[], last: number): number {
  const { spawn } = libc;
  // glibc's types are opaque: 80 and 336 bytes on 64-bit machines, rounded up here.
  const actions = new Uint8Array(128);
  const attributes = new Uint8Array(512);
  // The engine ignores SIGPIPE and blocks some signals in its threads; the container begins with the defaults.
  const everySignal = new Uint8Array(128).fill(0xff);
  const noSignal = new Uint8Array(128);
  const pid = new Int32Array(1);
  spawn.actionsInit(actions);
  spawn.attributesInit(attributes);
  try {
    table.forEach((from, to) => {
      spawn.actionsDup2(actions, from, to === table.length - 1 ? last : to);
    });
    spawn.attributesSetFlags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    spawn.attributesSetSigmask(attributes, noSignal);
    spawn.attributesSetSigdefault(attributes, everySignal);
    const strings = cStrings(libc, argv);
    const errno: number = spawn.posixSpawn(pid, path, actions, attributes, strings.address, strings.noEnvironment);
    if (errno !== 0) throw new SyscallError({ name: 'execve', args: [path] }, errno);
    return pid[0] ?? 0;
  } finally {
    spawn.actionsDestroy(actions);
    spawn.attributesDestroy(attributes);
  }
}

interface CStrings {
  readonly address: number;
  readonly noEnvironment: number;
  /** Keeps the memory alive while the addresses are in use. */
  readonly memory: Uint8Array;
}

/** argv and an empty environment in one piece of memory: pointers first, then the strings. */
function cStrings(libc: Libc, argv: readonly string[]): CStrings {
  const text = new TextEncoder().encode(`${argv.join('\0')}\0`);
  const pointersBytes = (argv.length + 2) * 8;
  const memory = new Uint8Array(4096);
  const base = Number(libc.koffi.address(memory));
  const view = viewOf(memory);
  memory.set(text, pointersBytes);
  let offset = pointersBytes;
  argv.forEach((argument, i) => {
    view.setBigUint64(i * 8, BigInt(base + offset), true);
    offset += new TextEncoder().encode(argument).length + 1;
  });
  return { address: base, noEnvironment: base + (argv.length + 1) * 8, memory };
}
