/* Numbers as text. */
#pragma once
#include "../freestanding.h"

/* Writes digits from `at` on. @returns where they end */
static char *decimal(char *at, u64 value) {
  char digits[20], *digit = digits + sizeof digits;
  do *--digit = (char)('0' + value % 10);
  while ((value /= 10) != 0);
  while (digit < digits + sizeof digits) *at++ = *digit++;
  return at;
}
