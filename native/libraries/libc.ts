/**
 * The functions of the C library that we call. Each is declared when it is first used, since a declaration costs 5 µs.
 * Every system call goes through `syscall`. The other functions exist only in the C library.
 */

import type { PollRequest } from '../kernel/poll.ts';
import { viewOf } from '../kernel/struct.ts';
import { type Koffi, loadKoffi, type NativeFunction } from './koffi.ts';

export interface Libc {
  readonly koffi: Koffi;
  /** syscall(2): takes the number and six arguments. It returns -1 on failure; `errno()` tells why. */
  readonly syscall: NativeFunction;
  /** posix_spawn(3) with its file actions and attributes as opaque buffers. */
  readonly spawn: SpawnFunctions;
  /** poll(2) on a thread of its own. @returns the revents of each, in order: all 0 also after a signal */
  poll(descriptors: readonly PollRequest[], timeoutMs: number): Promise<readonly number[]>;
  /** The same on this very thread: the engine stands still meanwhile. */
  pollHere(descriptors: readonly PollRequest[], timeoutMs: number): readonly number[];
  /** The errno of the last call. It means something only directly after a call returned -1. */
  errno(): number;
}

export interface SpawnFunctions {
  readonly posixSpawn: NativeFunction;
  readonly actionsInit: NativeFunction;
  readonly actionsDup2: NativeFunction;
  readonly actionsDestroy: NativeFunction;
  readonly attributesInit: NativeFunction;
  readonly attributesSetFlags: NativeFunction;
  readonly attributesSetSigmask: NativeFunction;
  readonly attributesSetSigdefault: NativeFunction;
  readonly attributesDestroy: NativeFunction;
}

const INT64 = 'int64_t';

export function loadLibc(): Libc {
  const koffi = loadKoffi();
  const library = koffi.load(null);
  let spawn: SpawnFunctions | undefined;
  let poll: NativeFunction | undefined;
  const pollFunction = (): NativeFunction => {
    poll ??= library.func('poll', 'int', ['void *', 'uint64_t', 'int']);
    return poll;
  };
  return {
    koffi,
    syscall: library.func('syscall', INT64, [INT64, INT64, INT64, INT64, INT64, INT64, INT64]),
    errno: () => koffi.errno(),
    poll(descriptors, timeoutMs) {
      const { fds, happened } = pollfds(descriptors);
      const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
      pollFunction().async(fds, descriptors.length, timeoutMs, (error: unknown) => {
        if (error) reject(error);
        else resolve(happened());
      });
      return promise;
    },
    pollHere(descriptors, timeoutMs) {
      const { fds, happened } = pollfds(descriptors);
      // After a signal the kernel has written nothing.
      return pollFunction()(fds, descriptors.length, timeoutMs) < 0 ? descriptors.map(() => 0) : happened();
    },
    get spawn() {
      spawn ??= {
        posixSpawn: library.func('posix_spawn', 'int', ['void *', 'str', 'void *', 'void *', INT64, INT64]),
        actionsInit: library.func('posix_spawn_file_actions_init', 'int', ['void *']),
        actionsDup2: library.func('posix_spawn_file_actions_adddup2', 'int', ['void *', 'int', 'int']),
        actionsDestroy: library.func('posix_spawn_file_actions_destroy', 'int', ['void *']),
        attributesInit: library.func('posix_spawnattr_init', 'int', ['void *']),
        attributesSetFlags: library.func('posix_spawnattr_setflags', 'int', ['void *', 'int16_t']),
        attributesSetSigmask: library.func('posix_spawnattr_setsigmask', 'int', ['void *', 'void *']),
        attributesSetSigdefault: library.func('posix_spawnattr_setsigdefault', 'int', ['void *', 'void *']),
        attributesDestroy: library.func('posix_spawnattr_destroy', 'int', ['void *']),
      };
      return spawn;
    },
  };
}

/** The array that poll(2) takes, and what it has written there. */
function pollfds(descriptors: readonly PollRequest[]) {
  const fds = new Uint8Array(descriptors.length * 8);
  const view = viewOf(fds);
  descriptors.forEach(({ fd, events }, i) => {
    view.setInt32(i * 8, fd, true);
    view.setInt16(i * 8 + 4, events, true);
  });
  return { fds, happened: () => descriptors.map((_, i) => view.getInt16(i * 8 + 6, true)) };
}
