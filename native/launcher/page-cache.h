/*
 * Reads the engine's file into memory, the first time after a boot.
 *
 * A start touches hundreds of pages of a file of 110 MB. They would come by one fault and a few kB at a time, and would
 * stay in memory in small pieces, which costs every later start 3 ms. So if little of the file is in memory, all of it
 * is read, in pieces as large as huge pages; build/segments.ts has laid it out for that. It takes a tenth of a second,
 * once. The kernel tells how much is there since Linux 6.5. If anything fails here, that is no error.
 */
#pragma once
#include "../freestanding.h"

enum { SEEK_END = 2, PROT_READ = 1, MAP_SHARED = 1, MADV_HUGEPAGE = 14, MADV_POPULATE_READ = 22 };
/*
 * Only the first SAMPLE bytes are looked at: to look at the whole file costs 0.3 ms where it is there in small pieces.
 * "Little" is less than one page for each 2^LITTLE bytes: half of the sample in pages of 64 kB, 1/32 in pages of 4 kB.
 */
enum { SAMPLE = 16 << 20, LITTLE = 17 };

static void read_engine(const char *path) {
  long fd = syscall6(SYS_openat, (u64)AT_FDCWD, (u64)path, O_CLOEXEC, 0, 0, 0);
  if (fd < 0) return;
  u64 range[2] = {0, SAMPLE};
  struct {
    u64 cached, dirty, writeback, evicted, recently_evicted;
  } pages = {0};
  long size = syscall6(SYS_lseek, (u64)fd, 0, SEEK_END, 0, 0, 0);
  if (syscall6(SYS_cachestat, (u64)fd, (u64)range, (u64)&pages, 0, 0, 0) == 0 && size > 0 &&
      pages.cached < (u64)(size < SAMPLE ? size : SAMPLE) >> LITTLE) {
    /* It stays mapped until execve. */
    long map = syscall6(SYS_mmap, 0, (u64)size, PROT_READ, MAP_SHARED, (u64)fd, 0);
    if (map > 0 && syscall6(SYS_madvise, (u64)map, (u64)size, MADV_HUGEPAGE, 0, 0, 0) == 0)
      syscall6(SYS_madvise, (u64)map, (u64)size, MADV_POPULATE_READ, 0, 0, 0);
  }
  syscall6(SYS_close, (u64)fd, 0, 0, 0, 0, 0);
}
