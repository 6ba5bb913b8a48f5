/*
 * Whether a command is to make a container of a large config. Then much of the engine's code runs often, and compiled
 * code pays: with 10,000 mounts a `run` takes half as long (docs/performance.md). It is a guess: the engine finds the
 * bundle itself.
 */
#pragma once
#include "stage.h"

/* A config of some 500 mounts. Engines write 10 to 40 kB. */
enum { LARGE_CONFIG = 64 * 1024 };

/* struct statx of statx(2), in words. */
enum { STATX_WORDS = 32, STATX_SIZE = 0x200, STX_SIZE = 5, O_PATH_CLOEXEC = 012000000 };

/* @returns the path of the bundle: the value of the flag, or the current directory */
static const char *bundle_of(char **argv) {
  for (argv++; *argv; argv++) {
    int flag = is_flag(*argv, "bundle");
    if (!flag) flag = is_flag(*argv, "b");
    if (**argv != '-' || !flag) continue;
    if (flag == 1) return argv[1] ? argv[1] : ".";
    const char *value = *argv;
    while (*value++ != '=') continue;
    return value;
  }
  return ".";
}

static int has_large_config(char **argv) {
  static u64 status[STATX_WORDS];
  long bundle = syscall6(SYS_openat, (u64)AT_FDCWD, (u64)bundle_of(argv), O_PATH_CLOEXEC, 0, 0, 0);
  if (bundle < 0) return 0;
  long failed = syscall6(SYS_statx, (u64)bundle, (u64) "config.json", 0, STATX_SIZE, (u64)status, 0);
  close_fd(bundle);
  return !failed && status[STX_SIZE] > LARGE_CONFIG;
}
