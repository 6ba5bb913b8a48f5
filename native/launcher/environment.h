/*
 * What the engine gets of the caller's environment: the variables that our code reads, by name, and nothing else.
 *
 * Before our first line runs, Bun and what is linked into it (WebKit, mimalloc, simdutf, ICU, the C++ library) ask for
 * dozens of names, and for more with each release. BUN_OPTIONS=--preload executes a file, BUN_BE_BUN=1 turns the engine
 * into Bun itself, SIMDUTF_FORCE_IMPLEMENTATION=x ends it. No list of names to remove would be complete.
 *
 * The whole environment, byte for byte, is in a file in memory. runtime/host/environment.ts gives it to hooks, and to
 * the other programs that inherit it.
 */
#pragma once
#include "../freestanding.h"
#include "stage.h" /* flags of memory files and descriptors */

enum { RLIMIT_FSIZE = 1, EFBIG = 27, MFD_NOEXEC_SEAL = 8 };

/* test/build/launcher.test.ts compares them with what our code reads. */
static const char *const READ_BY_US[] = {"XDG_RUNTIME_DIR=", "USER=",       "NOTIFY_SOCKET=",
                                         "LISTEN_PID=",      "LISTEN_FDS=", "TRACEPARENT="};
/* LD_LIBRARY_PATH and the like: the dynamic loader obeys them for runc, too, so they are not ours to judge. */
static const char LOADERS[] = "LD_";

static int starts_with(const char *text, const char *prefix) {
  while (*prefix && *text == *prefix) text++, prefix++;
  return !*prefix;
}

/* @param seen a bit for each name that came already: of two variables the first counts, as for getenv and for runc */
static int is_for_engine(const char *variable, u32 *seen) {
  for (u32 i = 0; i < sizeof READ_BY_US / sizeof *READ_BY_US; i++)
    if (starts_with(variable, READ_BY_US[i])) {
      int first = !(*seen & 1u << i);
      *seen |= 1u << i;
      return first;
    }
  return starts_with(variable, LOADERS);
}

/* Keeps the engine's variables, in their order, and drops the others. @returns where the last of them ends */
static char **keep_for_engine(char **envp) {
  u32 seen = 0;
  char **kept = envp;
  for (char **variable = envp; *variable; variable++)
    if (is_for_engine(*variable, &seen)) *kept++ = *variable;
  return kept;
}

/* The bytes of all variables, each with its NUL: the kernel lays them out one behind the other. */
static u64 size_of(char **envp) {
  char **last = envp;
  while (*last) last++;
  if (last == envp) return 0;
  const char *end = last[-1];
  while (*end++) {}
  return (u64)(end - *envp);
}

/* The limit is one for files in memory, too: to write beyond it would end us by a signal. */
static int is_above_file_limit(u64 size) {
  u64 limits[2] = {~0ul, 0};
  syscall6(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (u64)limits, 0, 0);
  return size > limits[0];
}

static long memory_file(u64 flags) {
  return syscall6(SYS_memfd_create, (u64) "runchart-environment", flags, 0, 0, 0, 0);
}

/* @returns a descriptor of a file with the environment, which outlives execve; -errno where it cannot be made */
static long environment_file(char **envp) {
  u64 size = size_of(envp);
  if (is_above_file_limit(size)) return -EFBIG;
  /* A host may demand this flag (vm.memfd_noexec). Before Linux 6.3 the kernel does not know it. */
  long fd = memory_file(MFD_NOEXEC_SEAL);
  if (fd == -EINVAL) fd = memory_file(0);
  if (fd < 0) return fd;
  long written = syscall6(SYS_write, (u64)fd, (u64)*envp, size, 0, 0, 0);
  if (written < 0) return written;
  /* It goes above the stage's ends. Where descriptors are scarce it stays: the stage needs the high numbers more. */
  long moved = syscall6(SYS_fcntl, (u64)fd, F_DUPFD, OUT_OF_THE_WAY + OUR_ENDS, 0, 0, 0);
  if (moved < 0) return fd;
  close_fd(fd);
  return moved;
}
