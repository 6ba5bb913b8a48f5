import { SCMP_ARCH } from '../../native/constants/seccomp.ts';

/** The token of the architecture that this process, and so every init, runs on. */
export const nativeArchitecture = (): number =>
  process.arch === 'arm64' ? SCMP_ARCH.SCMP_ARCH_AARCH64 : SCMP_ARCH.SCMP_ARCH_X86_64;
