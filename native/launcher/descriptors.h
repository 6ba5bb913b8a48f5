/* Descriptors of the launcher's own. */
#pragma once
#include "../freestanding.h"

enum { F_DUPFD = 0, MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2, MFD_NOEXEC_SEAL = 8, MFD_EXEC = 16, EINVAL = 22 };

/* Descriptors of ours are above those that a caller passes on (--preserve-fds), and above the stage's. */
enum { OUT_OF_THE_WAY = 200 };

/* @returns a copy, which execve leaves open; -errno where the limit does not allow it */
static long out_of_the_way(long fd) { return syscall6(SYS_fcntl, (u64)fd, F_DUPFD, OUT_OF_THE_WAY, 0, 0, 0); }

static void close_fd(long fd) { syscall6(SYS_close, (u64)fd, 0, 0, 0, 0, 0); }

/* @param executability MFD_EXEC or MFD_NOEXEC_SEAL: unknown before Linux 6.3, and since then a host may demand the second */
static long memory_file(const char *name, u64 executability, u64 flags) {
  long fd = syscall6(SYS_memfd_create, (u64)name, executability | flags, 0, 0, 0, 0);
  return fd == -EINVAL ? syscall6(SYS_memfd_create, (u64)name, flags, 0, 0, 0, 0) : fd;
}
