/*
 * What the engine gets of the caller's environment: what our code reads, by name, and nothing else. Before our first
 * line runs, Bun and what is linked into it (WebKit, mimalloc, simdutf, ICU, the C++ library) ask for dozens of names,
 * and each release for more: BUN_OPTIONS=--preload executes a file, BUN_BE_BUN=1 turns the engine into Bun itself,
 * SIMDUTF_FORCE_IMPLEMENTATION=x ends it. No list of what to remove would be complete.
 *
 * The whole environment, to the byte, is in a file in memory: runtime/host/environment.ts gives it to hooks and to the other
 * programs that inherit it.
 */
#pragma once
#include "../freestanding.h"
#include "stage.h" /* the flags of memory files and descriptors */

enum { RLIMIT_FSIZE = 1, EFBIG = 27, MFD_NOEXEC_SEAL = 8 };

/* test/build/launcher.test.ts holds them against what is read. */
static const char *const READ_BY_US[] = {"XDG_RUNTIME_DIR=", "USER=", "NOTIFY_SOCKET=", "LISTEN_PID=", "LISTEN_FDS="};
/* The dynamic loader's, LD_LIBRARY_PATH and its kin: in force for runc alike, so not ours to judge. */
static const char LOADERS[] = "LD_";

static int starts_with(const char *text, const char *prefix) {
  while (*prefix && *text == *prefix) text++, prefix++;
  return !*prefix;
}

/* @param seen the names that were there already, a bit each: of two the first counts, as for getenv and runc */
static int is_for_engine(const char *variable, u32 *seen) {
  for (u32 i = 0; i < sizeof READ_BY_US / sizeof *READ_BY_US; i++)
    if (starts_with(variable, READ_BY_US[i])) {
      int first = !(*seen & 1u << i);
      *seen |= 1u << i;
      return first;
    }
  return starts_with(variable, LOADERS);
}

/* Leaves what is for the engine, in order. @returns behind the last of them */
static char **keep_for_engine(char **envp) {
  u32 seen = 0;
  char **kept = envp;
  for (char **variable = envp; *variable; variable++)
    if (is_for_engine(*variable, &seen)) *kept++ = *variable;
  return kept;
}

/* All variables, each with its NUL: the kernel has laid them out one behind the other. */
static u64 size_of(char **envp) {
  char **last = envp;
  while (*last) last++;
  if (last == envp) return 0;
  const char *end = last[-1];
  while (*end++) {}
  return (u64)(end - *envp);
}

/* A file in memory too: to write beyond the limit would end us by a signal. */
static int is_above_file_limit(u64 size) {
  u64 limits[2] = {~0ul, 0};
  syscall6(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (u64)limits, 0, 0);
  return size > limits[0];
}

static long memory_file(u64 flags) {
  return syscall6(SYS_memfd_create, (u64) "runchart-environment", flags, 0, 0, 0, 0);
}

/* @returns a descriptor that outlives execve, of a file with the environment; -errno where there is none */
static long environment_file(char **envp) {
  u64 size = size_of(envp);
  if (is_above_file_limit(size)) return -EFBIG;
  /* A host may demand the flag; before Linux 6.3 it is unknown. */
  long fd = memory_file(MFD_NOEXEC_SEAL);
  if (fd == -EINVAL) fd = memory_file(0);
  if (fd < 0) return fd;
  long written = syscall6(SYS_write, (u64)fd, (u64)*envp, size, 0, 0, 0);
  if (written < 0) return written;
  /* Above the stage's ends. Where descriptors are scarce, it stays where it is: the stage needs the high numbers more. */
  long moved = syscall6(SYS_fcntl, (u64)fd, F_DUPFD, OUT_OF_THE_WAY + OUR_ENDS, 0, 0, 0);
  if (moved < 0) return fd;
  close_fd(fd);
  return moved;
}
