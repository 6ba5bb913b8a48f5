/*
 * Signals of the caller, for a resident engine, which asks which ones have come. They are caught as an engine of the
 * command's own would catch them: whoever looks at /proc/PID/status finds no difference.
 */
#pragma once
#include "../freestanding.h"

enum { SA_RESTORER_FLAG = 0x04000000, LAST_CAUGHT = 31, SET_SIZE = 8 };
/* How to catch them: not any more; each time; or once, and the next one has its default action. */
enum { CATCH_NOT = 0, CATCH = 1, CATCH_ONCE = 2 };
#define SA_RESETHAND 0x80000000ul

/* One byte for each signal: a handler may run at any time. */
static volatile char caught[LAST_CAUGHT + 1];

static void note_signal(int signal) { caught[signal] = 1; }

#if defined(__x86_64__)
/* A handler returns to this: rt_sigreturn(2). */
extern void return_from_signal(void);
__asm__(".text\nreturn_from_signal:\n\tmov $15, %eax\n\tsyscall\n");
#define RESTORER (u64) return_from_signal
#else
/* The kernel brings its own. */
#define RESTORER 0
#endif

static i64 catch_signals(u64 set, u64 how) {
  u64 action[4] = {how == CATCH_NOT ? 0 : (u64)note_signal, 0, RESTORER, 0};
  action[1] = (RESTORER ? SA_RESTORER_FLAG : 0) | (how == CATCH_ONCE ? SA_RESETHAND : 0);
  for (u64 signal = 1; signal <= LAST_CAUGHT; signal++)
    if (set & 1ul << (signal - 1)) syscall6(SYS_rt_sigaction, signal, (u64)action, 0, SET_SIZE, 0, 0);
  return 0;
}

/* @returns those of a set that have come since somebody asked last */
static i64 take_caught(u64 set) {
  u64 come = 0;
  for (u32 signal = 1; signal <= LAST_CAUGHT; signal++) {
    u64 bit = 1ul << (signal - 1);
    if (!(set & bit) || !caught[signal]) continue;
    caught[signal] = 0;
    come |= bit;
  }
  return (i64)come;
}
