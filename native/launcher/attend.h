/*
 * The long wait of a foreground command: from the start of the container's process to its end. It may last for days,
 * and so it holds no engine. effects/foreground/ does the same for a command that has an engine of its own: stream.ts
 * copies, attend.ts waits, runtime/foreground/attendance.ts hands signals on. native/resident/attend.ts asks for it.
 */
#pragma once
#include "../init/batches.h"
#include "../resident/protocol.h"
#include "signals.h"
#include "stage.h"
#include "stream.h"

/* What is asked for: which of the container's pipes come along, in this order, and how to wait. */
enum { INPUT = 1, OUTPUT = 2, ERROR = 4, SUBREAPER = 8, AWAITS_WRITERS = 16 };
enum { STREAMS = 3, ESRCH = 3 };
/* The control message that brings the pipes: struct cmsghdr, then a descriptor for each. */
enum { CONTROL_HEADER = 16, CONTROL_SIZE = CONTROL_HEADER + STREAMS * sizeof(u32) };
enum { P_ALL = 0, P_PID = 1, WNOHANG = 1, WEXITED = 4, CLD_EXITED = 1, SIGWINCH = 28, SIG_BLOCK = 0 };

struct wait {
  u32 pid, flags;
  i64 pidfd;
  u64 signals, mask;              /* those that are handed on; and those that are blocked while we wait */
  struct stream streams[STREAMS]; /* the first is the input */
  int status;                     /* -1 while the process runs */
  int given_up;                   /* somebody wants the command to end, and the process is gone */
};

/* siginfo_t of waitid(2), as far as it is needed. */
struct exit_info {
  u32 signal, error, code, padding, pid, uid, status, rest[25];
};

/* @returns the pid of a child that has been reaped, 0 where none has ended, or an error */
static i64 reap(struct wait *w, u32 type, u32 id) {
  struct exit_info info = {0};
  i64 r = syscall6(SYS_waitid, type, id, (u64)&info, WEXITED | WNOHANG, 0, 0);
  if (r < 0) return r;
  if (info.pid == w->pid) w->status = (int)(info.code == CLD_EXITED ? info.status & 0xff : 128 + info.status);
  return info.pid;
}

static void reap_orphans(struct wait *w) {
  while (reap(w, P_ALL, 0) > 0) {}
}

/* What tells a command to end: SIGHUP, SIGINT, SIGQUIT, SIGTERM. */
static int asks_for_end(u32 signal) { return signal == 1 || signal == 2 || signal == 3 || signal == 15; }

/* Hands the signals on that have come. Whoever wants the command to end may tell a process that has just ended. */
static void forward_signals(struct wait *w) {
  u64 come = (u64)take_caught(w->signals);
  for (u32 signal = 1; come; signal++, come >>= 1) {
    if (!(come & 1)) continue;
    if (signal == SIGCHLD) {
      if (w->flags & SUBREAPER) reap_orphans(w);
    } else if (signal != SIGWINCH) {
      i64 sent = syscall6(SYS_pidfd_send_signal, (u64)w->pidfd, signal, 0, 0, 0, 0);
      if (!asks_for_end(signal)) continue;
      if (w->status < 0) reap(w, P_PID, w->pid);
      if (sent == -ESRCH || w->status >= 0) w->given_up = 1;
    }
  }
}

/* Whether a stream still counts: what comes from the caller is dropped once the process has ended. */
static int is_live(const struct wait *w, u32 i) { return !w->streams[i].done && (i > 0 || w->status < 0); }

/*
 * Waits once, and does what there is to do then.
 * @param drains whether only what is there already is still copied
 */
static void wait_once(struct wait *w, int drains) {
  struct polled polled[2 * STREAMS + 1];
  u32 first[STREAMS], n = 0, runs = w->status < 0;
  int waits = 1;
  for (u32 i = 0; i < STREAMS; i++) {
    first[i] = n;
    if (!is_live(w, i)) continue;
    n += await_stream(&w->streams[i], &polled[n]);
    if (drains && !is_stalled(&w->streams[i])) waits = 0;
  }
  u32 of_streams = n;
  if (runs) polled[n++] = (struct polled){(u32)w->pidfd, POLL_IN, 0};
  u64 at_once[2] = {0, 0};
  /* Signals come while we wait, and at no other time: none is overlooked. */
  i64 ready = syscall6(SYS_ppoll, (u64)polled, n, waits ? 0 : (u64)at_once, (u64)&w->mask, SET_SIZE, 0);
  forward_signals(w);
  if (ready < 0) return;
  for (u32 i = 0; i < STREAMS; i++)
    if (is_live(w, i)) {
      const struct polled *own = &polled[first[i]];
      u32 end = i + 1 < STREAMS ? first[i + 1] : of_streams;
      proceed(&w->streams[i], own[0].happened, first[i] + 1 < end ? own[1].happened : 0);
    }
  /* Where somebody else has reaped it, nobody knows how it ended. */
  if (runs && w->status < 0 && polled[of_streams].happened && reap(w, P_PID, w->pid) < 0) w->status = 255;
}

static void wait_for_end(struct wait *w) {
  if (w->flags & SUBREAPER) reap_orphans(w);
  for (;;) {
    int drains = w->status >= 0 && !(w->flags & AWAITS_WRITERS), live = 0;
    for (u32 i = 0; i < STREAMS; i++) {
      if (drains && i > 0) advance(&w->streams[i], 1);
      live |= is_live(w, i);
    }
    if (w->status >= 0 && (w->given_up || !live)) return;
    wait_once(w, drains);
  }
}

/* Opens what is copied. @param pipes the descriptors that came, in order. @param room for what is being copied */
static void open_streams(struct wait *w, const u32 *pipes, char *room) {
  for (u32 i = 0; i < STREAMS; i++) {
    struct stream *s = &w->streams[i];
    s->buffer = room + (u64)i * CHUNK;
    s->done = !(w->flags & 1u << i);
    if (s->done) continue;
    if (i == 0) {
      s->sink = our_end(*pipes++);
      s->source = callers_source(i);
    } else {
      s->source = our_end(*pipes++);
      s->sink = callers_sink(i);
    }
  }
}

/*
 * Waits for the end of a child.
 * @param args its pid; flags; the control message that brought the pipes; what is left to do (body.h), and its size;
 * the set of the signals that are handed on
 * @returns the exit status, or an error
 */
static i64 wait_for_child(const u64 *args) {
  const u32 *control = (const u32 *)args[2];
  struct wait w = {.pid = (u32)args[0], .flags = (u32)args[1], .status = -1, .signals = args[5]};
  w.pidfd = syscall6(SYS_pidfd_open, w.pid, 0, 0, 0, 0, 0);
  if (w.pidfd < 0) return w.pidfd;
  syscall6(SYS_rt_sigprocmask, SIG_BLOCK, (u64)&w.signals, (u64)&w.mask, SET_SIZE, 0, 0);
  forward_signals(&w);
  open_streams(&w, control + CONTROL_HEADER / sizeof *control, (char *)(ARENA + ARENA_SIZE - (u64)STREAMS * CHUNK));
  wait_for_end(&w);
  syscall6(SYS_rt_sigprocmask, SIG_SETMASK, (u64)&w.mask, 0, SET_SIZE, 0, 0);
  return w.status;
}
