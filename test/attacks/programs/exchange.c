/* exchange A B [A B…]: exchanges the names of each pair again and again, in an order that changes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
  unsigned pairs = (unsigned)(argc - 1) / 2;
  if (pairs == 0) return 2;
  for (unsigned i = 0;; i = i * 5 + 1) {
    char **pair = argv + 1 + (i >> 8) % pairs * 2;
    renameat2(AT_FDCWD, pair[0], AT_FDCWD, pair[1], RENAME_EXCHANGE);
  }
}
