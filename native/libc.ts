/**
 * The C library's functions that we call, declared on first use (a declaration costs 5 µs).
 * Everything that is a system call goes through `syscall`; the others exist only in libc.
 */

import { type Koffi, loadKoffi, type NativeFunction } from './koffi.ts';

export interface Libc {
  readonly koffi: Koffi;
  /** syscall(2): the number, then six arguments. -1 on failure, the reason in `errno()`. */
  readonly syscall: NativeFunction;
  /** posix_spawn(3) with its file actions and attributes as opaque buffers. */
  readonly spawn: SpawnFunctions;
  /** The errno of the last call: only meaningful directly after a -1. */
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
  return {
    koffi,
    syscall: library.func('syscall', INT64, [INT64, INT64, INT64, INT64, INT64, INT64, INT64]),
    errno: () => koffi.errno(),
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
