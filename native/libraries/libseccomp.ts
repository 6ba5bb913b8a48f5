/**
 * libseccomp, which turns rules by the names of system calls into a BPF program. It is loaded when a config has a
 * profile, so a machine without it runs all other containers.
 */

import { ERRNO, errnoName } from '../constants/errno.ts';
import { SCMP_FLTATR } from '../constants/seccomp.ts';
import type { Fd } from '../kernel/numbers.ts';
import { viewOf } from '../kernel/struct.ts';
import type { NativeFunction } from './koffi.ts';
import type { Libc } from './libc.ts';

/** Compares an argument with the constant `a`. With MASKED_EQ `a` is the mask, and `b` the constant. */
export interface Comparison {
  readonly index: number;
  /** A value of SCMP_CMP. */
  readonly operator: number;
  readonly a: bigint;
  readonly b: bigint;
}

export interface LibSeccomp {
  /** `2.5.4`. */
  readonly version: string;
  /** What the library knows that the kernel supports (seccomp_api_get(3)): from 5 on, notifications. */
  readonly apiLevel: number;
  /**
   * The number of a call on this machine's architecture. It is -1 for an unknown call, and less than that for one which
   * only other architectures have.
   */
  resolve(name: string): number;
  /** The same on another architecture. @param arch a token of SCMP_ARCH */
  resolveOn(name: string, arch: number): number;
  /** Makes a filter without rules. Whoever makes it releases it. */
  init(defaultAction: number): Filter;
}

/** A filter that is being built. Its methods throw LibSeccompErrors. */
export interface Filter {
  /** Adds an architecture. The machine's own is there from the start. */
  addArchitecture(token: number): void;
  /**
   * Says how the program looks for a call: 2 is by a binary tree.
   * @returns false where the library can't (before 2.5)
   */
  optimize(level: number): boolean;
  addRule(action: number, call: number, comparisons: readonly Comparison[]): void;
  /** Writes the program, struct sock_filter[], to a descriptor of this process. */
  export(fd: Fd): void;
  release(): void;
}

/** What libseccomp refused. `message` is `seccomp_arch_add: EINVAL`. */
export class LibSeccompError extends Error {
  override readonly name = 'LibSeccompError';
  readonly code: string;
  constructor(what: string, errno: number) {
    super(`${what}: ${errnoName(errno)}`);
    this.code = errnoName(errno);
  }
}

const SONAME = 'libseccomp.so.2';
const COMPARISON_BYTES = 24;

/** @throws Error when the library is missing or older than 2.4, which is the first to tell its API level */
export function loadLibSeccomp(libc: Libc, soname: string = SONAME): LibSeccomp {
  const library = open(libc, soname);
  const declare = (name: string, result: string, args: readonly string[]) => {
    try {
      return library.func(name, result, args);
    } catch {
      throw new Error(`${soname} has no ${name}: linux.seccomp needs libseccomp 2.4 or newer`);
    }
  };
  const apiGet = declare('seccomp_api_get', 'uint32_t', []);
  const version = declare('seccomp_version', 'void *', []);
  let resolveName: NativeFunction | undefined;
  let resolveNameArch: NativeFunction | undefined;

  return {
    version: versionText(libc, version()),
    apiLevel: apiGet(),
    resolve(name) {
      resolveName ??= declare('seccomp_syscall_resolve_name', 'int', ['str']);
      return resolveName(name);
    },
    resolveOn(name, arch) {
      resolveNameArch ??= declare('seccomp_syscall_resolve_name_arch', 'int', ['uint32_t', 'str']);
      return resolveNameArch(arch, name);
    },
    init(defaultAction) {
      const init = declare('seccomp_init', 'void *', ['uint32_t']);
      const release = declare('seccomp_release', 'void', ['void *']);
      const archAdd = declare('seccomp_arch_add', 'int', ['void *', 'uint32_t']);
      const attributeSet = declare('seccomp_attr_set', 'int', ['void *', 'int', 'uint32_t']);
      // Not the variadic seccomp_rule_add: koffi would have to guess the types of its arguments.
      const ruleAdd = declare('seccomp_rule_add_array', 'int', ['void *', 'uint32_t', 'int', 'uint32_t', 'void *']);
      const exportBpf = declare('seccomp_export_bpf', 'int', ['void *', 'int']);

      const filter = init(defaultAction);
      if (!filter) throw new LibSeccompError('seccomp_init', ERRNO.EINVAL);
      const check = (what: string, result: number): void => {
        if (result < 0) throw new LibSeccompError(what, -result);
      };
      return {
        addArchitecture(token) {
          const result: number = archAdd(filter, token);
          if (result !== -ERRNO.EEXIST) check('seccomp_arch_add', result);
        },
        optimize: (level) => attributeSet(filter, SCMP_FLTATR.CTL_OPTIMIZE, level) === 0,
        addRule(action, call, comparisons) {
          const array = comparisons.length > 0 ? encode(comparisons) : null;
          check('seccomp_rule_add_array', ruleAdd(filter, action, call, comparisons.length, array));
        },
        export: (fd) => check('seccomp_export_bpf', exportBpf(filter, fd)),
        release: () => release(filter),
      };
    },
  };
}

function open(libc: Libc, soname: string) {
  try {
    return libc.koffi.load(soname);
  } catch {
    throw new Error(`${soname} cannot be loaded: linux.seccomp needs it (Debian: apt-get install libseccomp2)`);
  }
}

/** The three numbers of struct scmp_version. Only a function of C can follow the pointer to it. */
function versionText(libc: Libc, pointer: unknown): string {
  const numbers = new Uint8Array(12);
  const memcpy = libc.koffi.load(null).func('memcpy', 'void *', ['void *', 'void *', 'size_t']);
  memcpy(numbers, pointer, numbers.length);
  const view = viewOf(numbers);
  return [0, 4, 8].map((offset) => view.getUint32(offset, true)).join('.');
}

/** struct scmp_arg_cmp[]: u32 arg, u32 op, u64 a, u64 b. */
function encode(comparisons: readonly Comparison[]): Uint8Array {
  const bytes = new Uint8Array(comparisons.length * COMPARISON_BYTES);
  const view = viewOf(bytes);
  comparisons.forEach(({ index, operator, a, b }, i) => {
    view.setUint32(i * COMPARISON_BYTES, index, true);
    view.setUint32(i * COMPARISON_BYTES + 4, operator, true);
    view.setBigUint64(i * COMPARISON_BYTES + 8, a, true);
    view.setBigUint64(i * COMPARISON_BYTES + 16, b, true);
  });
  return bytes;
}
