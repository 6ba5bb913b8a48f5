/** libsystemd's functions, declared. */

import type { Libc } from '../libc.ts';

export const SONAME = 'libsystemd.so.0';

export type SdBus = ReturnType<typeof bindings>;

/** Declares the functions. Pointers are integers (`P`), except those to memory of ours (`M`). */
export function bindings(libc: Libc, soname: string) {
  const library = open(libc, soname);
  const own = libc.koffi.load(null);
  const [P, M, S, I, U] = ['int64_t', 'void *', 'str', 'int', 'uint64_t'] as const;
  const declare = (name: string, ...args: readonly string[]) => library.func(`sd_bus_${name}`, I, args);
  const strlen = own.func('strlen', U, [P]);
  const memcpy = own.func('memcpy', P, [M, P, U]);
  return {
    new: declare('new', M),
    setAddress: declare('set_address', P, S),
    setBusClient: declare('set_bus_client', P, I),
    start: declare('start', P),
    unref: library.func('sd_bus_unref', P, [P]),
    flushCloseUnref: library.func('sd_bus_flush_close_unref', P, [P]),
    addMatch: declare('add_match', P, P, S, P, P),
    send: declare('send', P, P, M),
    getReplyCookie: declare('message_get_reply_cookie', P, M),
    messageIsError: declare('message_is_method_error', P, S),
    getErrno: declare('message_get_errno', P),
    getError: library.func('sd_bus_message_get_error', P, [P]),
    enterContainer: declare('message_enter_container', P, 'char', S),
    process: declare('process', P, M),
    wait: declare('wait', P, U),
    newMethodCall: declare('message_new_method_call', P, M, S, S, S, S),
    appendBasic: declare('message_append_basic', P, 'char', M),
    appendString: declare('message_append_basic', P, 'char', S),
    openContainer: declare('message_open_container', P, 'char', S),
    closeContainer: declare('message_close_container', P),
    readBasic: declare('message_read_basic', P, 'char', M),
    messageIsSignal: declare('message_is_signal', P, S, S),
    messageUnref: library.func('sd_bus_message_unref', P, [P]),
    copy: memcpy,
    /** A C string behind a pointer; empty for null. */
    text(address: number): string {
      if (address === 0) return '';
      const bytes = new Uint8Array(Number(strlen(address)));
      if (bytes.length > 0) memcpy(bytes, address, bytes.length);
      return new TextDecoder().decode(bytes);
    },
  };
}

function open(libc: Libc, soname: string) {
  try {
    return libc.koffi.load(soname);
  } catch {
    throw new Error(`${soname} cannot be loaded: --systemd-cgroup needs it (Debian: apt-get install libsystemd0)`);
  }
}
