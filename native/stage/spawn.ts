/**
 * Starts native/init as a child of this process: the *stage*, from which a container's namespaces are made or joined.
 * It is executed from a sealed memfd and inherits only what it is given.
 */

import { duplicateAbove, fcntl, memfdCreate, write } from '../calls/files.ts';
import { socketPair } from '../calls/pair.ts';
import { ERRNO } from '../constants/errno.ts';
import { F, F_SEAL, MFD } from '../constants/files.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Fd, Pid } from '../kernel/numbers.ts';
import { Owned, OwnedStack, opened } from '../kernel/owned.ts';
import { attempt, call, perform, SyscallError, succeeded } from '../kernel/perform.ts';
import { viewOf } from '../kernel/struct.ts';
import type { Libc } from '../libraries/libc.ts';
import { remoteKernels } from '../performers/remote.ts';
import type { Stage } from './stage.ts';

interface SpawnOptions {
  /** The init's ELF file. */
  readonly program: Uint8Array;
  /**
   * What become the child's descriptors 0, 1, 2, … in this order: standard input, output and error are the first three.
   */
  readonly descriptors: readonly Fd[];
  readonly performer: string;
  /** Its socket's descriptor in the child: by default the one after `descriptors`. */
  readonly socket?: number;
  /** Makes its kernel. Who has several inits gives the one `remoteKernels` of them all. */
  readonly remote?: (socket: Fd, performer: string) => Kernel;
}

const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;

/** @throws SyscallError */
export function spawnStage(libc: Libc, local: Kernel, options: SpawnOptions): Stage {
  const { descriptors, performer, socket = descriptors.length, remote = remoteKernels(libc) } = options;
  using program = new Owned(local, sealedMemfd(local, options.program));
  const [ours, theirs] = socketPair(local);
  using connection = new Owned(local, ours);
  using inherited = new Owned(local, theirs);
  // What the child's table is filled from: duplicates that no dup2 in the child overwrites.
  using duplicates = new OwnedStack();
  const apart = (fd: Fd): Fd => {
    const isApart = (at: Fd): boolean => at > descriptors.length && at !== socket;
    let at = fd;
    // Only just above the table: a caller's limit of descriptors may be as low as 32.
    for (let least = descriptors.length + 1; !isApart(at); least = socket + 1)
      at = duplicates.use(opened(local, duplicateAbove(fd, least))).fd;
    return at;
  };
  const table = [...descriptors, inherited.fd].map(apart);
  const pid = posixSpawn(libc, `/proc/self/fd/${apart(program.fd)}`, ['runchart-init', String(socket)], table, socket);
  const kernel = remote(connection.fd, performer);
  return { pid, kernel, connection: connection.release(), socket };
}

/**
 * The program in a memory file. Nobody can write to it or replace its content, not even by /proc/PID/exe
 * (CVE-2019-5736).
 */
function sealedMemfd(local: Kernel, program: Uint8Array): Fd {
  const flags = MFD.CLOEXEC | MFD.ALLOW_SEALING;
  // Before Linux 6.3 the kernel does not know MFD_EXEC.
  const create = memfdCreate('runchart-init', flags | MFD.EXEC);
  const created = attempt(local, create);
  using file = new Owned(
    local,
    created === -ERRNO.EINVAL ? call(local, memfdCreate('runchart-init', flags)) : succeeded(create, created),
  );
  perform(local, [
    write(file.fd, program),
    fcntl(file.fd, F.ADD_SEALS, F_SEAL.SEAL | F_SEAL.SHRINK | F_SEAL.GROW | F_SEAL.WRITE),
  ]);
  return file.release();
}

/** @param last where the last descriptor of the table goes */
function posixSpawn(libc: Libc, path: string, argv: readonly string[], table: readonly Fd[], last: Fd): Pid {
  const { spawn } = libc;
  // The C library's types are opaque. glibc's have 80 and 336 bytes on 64-bit machines; this is more.
  const actions = new Uint8Array(128);
  const attributes = new Uint8Array(512);
  // The engine ignores SIGPIPE and blocks some signals in its threads. The container begins with the defaults.
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

/** argv and an empty environment in one piece of memory: first the pointers, then the strings. */
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
