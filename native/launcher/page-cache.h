/*
 * The engine's file in memory. A start touches hundreds of its pages, in a file of 110 MB: after a boot they would come one
 * fault and a few kB at a time, and would stay in pieces that small, which costs every later start 3 ms. So where little
 * of the file is in memory it is read whole, in pieces of a huge page, which build/segments.ts has laid it out for:
 * a tenth of a second, once. Since Linux 6.5; what fails here is no error.
 */
#pragma once
#include "../freestanding.h"

enum { SEEK_END = 2, PROT_READ = 1, MAP_SHARED = 1, MADV_HUGEPAGE = 14, MADV_POPULATE_READ = 22 };
/*
 * The part that is looked at, since a look costs 0.3 ms where all of the file is there in small pieces; and so many bytes for
 * a page in memory are little: half of it in pages of 64 kB, a thirtieth in pages of 4.
 */
enum { O_CLOEXEC = 02000000, SAMPLE = 16 << 20, LITTLE = 17 };

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
    /* Until execve. */
    long map = syscall6(SYS_mmap, 0, (u64)size, PROT_READ, MAP_SHARED, (u64)fd, 0);
    if (map > 0 && syscall6(SYS_madvise, (u64)map, (u64)size, MADV_HUGEPAGE, 0, 0, 0) == 0)
      syscall6(SYS_madvise, (u64)map, (u64)size, MADV_POPULATE_READ, 0, 0, 0);
  }
  syscall6(SYS_close, (u64)fd, 0, 0, 0, 0, 0);
}
