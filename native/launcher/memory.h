/* What the compiler calls to clear a structure. Nothing else of a C library is there. */
#pragma once
#include "../freestanding.h"

__attribute__((used)) void *memset(void *at, int value, u64 size) {
  /* volatile: the compiler would make a call of memset of this loop, too. */
  for (volatile char *byte = at; size > 0; size--) *byte++ = (char)value;
  return at;
}
