/** Seccomp: seccomp(2), uapi/linux/seccomp.h; classic BPF, uapi/linux/bpf_common.h and filter.h. */

/** Operations of seccomp(2). */
export const SECCOMP = { SET_MODE_FILTER: 1 } as const;

/**
 * Flags of SECCOMP.SET_MODE_FILTER: LOG since Linux 4.14, SPEC_ALLOW 4.17, NEW_LISTENER 5.0, WAIT_KILLABLE_RECV 5.19.
 */
export const SECCOMP_FILTER_FLAG = {
  TSYNC: 1,
  LOG: 2,
  SPEC_ALLOW: 4,
  NEW_LISTENER: 8,
  WAIT_KILLABLE_RECV: 32,
} as const;

/** What a filter returns; the lower 16 bits are the errno of ERRNO and the message of TRACE. */
export const SECCOMP_RET = {
  KILL_PROCESS: 0x8000_0000,
  KILL_THREAD: 0,
  TRAP: 0x0003_0000,
  ERRNO: 0x0005_0000,
  USER_NOTIF: 0x7fc0_0000,
  TRACE: 0x7ff0_0000,
  LOG: 0x7ffc_0000,
  ALLOW: 0x7fff_0000,
} as const;

/**
 * Offsets in struct seccomp_data, which a filter reads 32 bits at a time; six 64-bit arguments follow from `ARGS` on.
 */
export const SECCOMP_DATA = { NR: 0, ARCH: 4, ARGS: 16 } as const;

/** Instructions of classic BPF as seccomp filters use them. */
export const BPF = {
  LD_W_ABS: 0x20,
  ALU_AND_K: 0x54,
  JMP_JA: 0x05,
  JMP_JEQ_K: 0x15,
  JMP_JGT_K: 0x25,
  JMP_JGE_K: 0x35,
  JMP_JSET_K: 0x45,
  RET_K: 0x06,
} as const;

/** struct sock_filter: u16 code, u8 jt, u8 jf, u32 k. */
export const SOCK_FILTER_BYTES = 8;

/** The most instructions that the kernel takes (BPF_MAXINSNS). */
export const BPF_MAXINSNS = 4096;

/**
 * Architectures by the names of config.json: AUDIT_ARCH_* of uapi/linux/audit.h, which are libseccomp's tokens. x32 is
 * an exception: the kernel knows it as x86-64 with bit 30 of the call's number set, so its token is libseccomp's own.
 */
export const SCMP_ARCH = {
  SCMP_ARCH_X86: 0x4000_0003,
  SCMP_ARCH_X86_64: 0xc000_003e,
  SCMP_ARCH_X32: 0x4000_003e,
  SCMP_ARCH_ARM: 0x4000_0028,
  SCMP_ARCH_AARCH64: 0xc000_00b7,
  SCMP_ARCH_LOONGARCH64: 0xc000_0102,
  SCMP_ARCH_M68K: 0x0000_0004,
  SCMP_ARCH_MIPS: 0x0000_0008,
  SCMP_ARCH_MIPS64: 0x8000_0008,
  SCMP_ARCH_MIPS64N32: 0xa000_0008,
  SCMP_ARCH_MIPSEL: 0x4000_0008,
  SCMP_ARCH_MIPSEL64: 0xc000_0008,
  SCMP_ARCH_MIPSEL64N32: 0xe000_0008,
  SCMP_ARCH_PPC: 0x0000_0014,
  SCMP_ARCH_PPC64: 0x8000_0015,
  SCMP_ARCH_PPC64LE: 0xc000_0015,
  SCMP_ARCH_S390: 0x0000_0016,
  SCMP_ARCH_S390X: 0x8000_0016,
  SCMP_ARCH_SH: 0x4000_002a,
  SCMP_ARCH_SHEB: 0x0000_002a,
  SCMP_ARCH_PARISC: 0x0000_000f,
  SCMP_ARCH_PARISC64: 0x8000_000f,
  SCMP_ARCH_RISCV64: 0xc000_00f3,
} as const;

/** Set in the number of an x32 call. */
export const X32_BIT = 0x4000_0000;

/** Comparison operators, as libseccomp numbers them (enum scmp_compare). */
export const SCMP_CMP = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
} as const;

/** Attributes of a libseccomp filter (enum scmp_filter_attr). OPTIMIZE 2 (a binary tree) since 2.5. */
export const SCMP_FLTATR = { CTL_OPTIMIZE: 8 } as const;

/** The token of the architecture that this process, and so every init, runs on. */
export const NATIVE_ARCH = process.arch === 'arm64' ? SCMP_ARCH.SCMP_ARCH_AARCH64 : SCMP_ARCH.SCMP_ARCH_X86_64;
