import * as z from 'zod';
import { uint32, uint64 } from '../../integers.ts';

export const seccompActionSchema = z.enum([
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
]);

export const seccompArchSchema = z.enum([
  'SCMP_ARCH_X86',
  'SCMP_ARCH_X86_64',
  'SCMP_ARCH_X32',
  'SCMP_ARCH_ARM',
  'SCMP_ARCH_AARCH64',
  'SCMP_ARCH_LOONGARCH64',
  'SCMP_ARCH_M68K',
  'SCMP_ARCH_MIPS',
  'SCMP_ARCH_MIPS64',
  'SCMP_ARCH_MIPS64N32',
  'SCMP_ARCH_MIPSEL',
  'SCMP_ARCH_MIPSEL64',
  'SCMP_ARCH_MIPSEL64N32',
  'SCMP_ARCH_PPC',
  'SCMP_ARCH_PPC64',
  'SCMP_ARCH_PPC64LE',
  'SCMP_ARCH_S390',
  'SCMP_ARCH_S390X',
  'SCMP_ARCH_SH',
  'SCMP_ARCH_SHEB',
  'SCMP_ARCH_PARISC',
  'SCMP_ARCH_PARISC64',
  'SCMP_ARCH_RISCV64',
]);

export const seccompFlagSchema = z.enum([
  'SECCOMP_FILTER_FLAG_TSYNC',
  'SECCOMP_FILTER_FLAG_LOG',
  'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
  'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
]);

export const seccompOperatorSchema = z.enum([
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
]);

/** Compares an argument. For SCMP_CMP_MASKED_EQ, `value` is the mask, and `valueTwo` what the rest must be. */
export const seccompArgSchema = z.object({
  index: uint32,
  value: uint64,
  valueTwo: uint64.optional(),
  op: seccompOperatorSchema,
});

export const seccompSyscallSchema = z.object({
  names: z.array(z.string()).min(1),
  action: seccompActionSchema,
  errnoRet: uint32.optional(),
  args: z.array(seccompArgSchema).optional(),
});

/** config-linux.md, "Seccomp". */
export const seccompSchema = z.object({
  defaultAction: seccompActionSchema,
  defaultErrnoRet: uint32.optional(),
  architectures: z.array(seccompArchSchema).optional(),
  flags: z.array(seccompFlagSchema).optional(),
  listenerPath: z.string().optional(),
  listenerMetadata: z.string().optional(),
  syscalls: z.array(seccompSyscallSchema).optional(),
});

export type SeccompAction = z.infer<typeof seccompActionSchema>;
export type SeccompArch = z.infer<typeof seccompArchSchema>;
export type SeccompFlag = z.infer<typeof seccompFlagSchema>;
export type SeccompOperator = z.infer<typeof seccompOperatorSchema>;
export type SeccompArg = z.infer<typeof seccompArgSchema>;
export type SeccompSyscall = z.infer<typeof seccompSyscallSchema>;
export type Seccomp = z.infer<typeof seccompSchema>;
