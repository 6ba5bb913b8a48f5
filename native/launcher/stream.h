/*
 * Copies what comes out of one descriptor into another, in steps between two waits, as effects/foreground/stream.ts and
 * ends.ts do. It never reads more than a chunk ahead, so a sink that takes nothing stops its source.
 */
#pragma once
#include "../init/batches.h"

enum { CHUNK = 64 << 10, PAGE = 4096, CHUNKS_A_TURN = 16, POLL_IN = 1, POLL_OUT = 4 };
enum { F_GETFL = 3, F_SETFL = 4, O_WRONLY = 1, O_NOCTTY = 0400, O_NONBLOCK = 04000, FIONREAD = 0x541b };
enum { DONTWAIT = 0x40 };
enum { S_IFMT = 0170000, S_IFIFO = 0010000, S_IFCHR = 0020000, S_IFREG = 0100000, S_IFSOCK = 0140000 };
enum { STATX_TYPE = 1, AT_EMPTY = 0x1000, PIPEFS_MAGIC = 0x50495045 };

struct polled {
  u32 fd;
  short events, happened;
};

/* A blocking end is touched once each time that poll(2) calls it ready, and is given a page at most. */
struct end {
  u32 fd;
  int blocking, is_socket, is_pipe, is_ours;
};

struct stream {
  struct end source, sink;
  char *buffer;
  u32 at, held;   /* what has been read and not written */
  u64 left;       /* how many bytes are still to be read, once what is written from now on does not count */
  int is_limited, source_ended, done;
};

static int is_stalled(const struct stream *s) { return s->held > 0; }

/* An end of our own, which never stops us. */
static struct end our_end(u32 fd) {
  i64 flags = syscall6(SYS_fcntl, fd, F_GETFL, 0, 0, 0, 0);
  syscall6(SYS_fcntl, fd, F_SETFL, (u64)flags | O_NONBLOCK, 0, 0, 0);
  return (struct end){.fd = fd, .is_pipe = 1, .is_ours = 1};
}

/* @returns 0 where the descriptor is not open */
static u32 type_of(u32 fd) {
  unsigned char stat[256] = {0}; /* struct statx: the mode is at 28 */
  if (syscall6(SYS_statx, fd, (u64) "", AT_EMPTY, STATX_TYPE, (u64)stat, 0) < 0) return 0;
  return (stat[28] | (u32)stat[29] << 8) & S_IFMT;
}

/* Whether a FIFO is one that pipe(2) has made: nobody comes back to it once its other side is gone. */
static int is_nameless(u32 fd) {
  u64 statfs[32] = {0};
  return syscall6(SYS_fstatfs, fd, (u64)statfs, 0, 0, 0, 0) == 0 && statfs[0] == PIPEFS_MAGIC;
}

/* A caller's end that does not stop us. The caller's own mode stays: others share it. So it is opened anew. */
static struct end unblocked(u32 fd, u32 type, u64 access) {
  static char path[] = "/proc/self/fd/0";
  if (type == S_IFSOCK) return (struct end){.fd = fd, .is_socket = 1};
  struct end end = {.fd = fd, .blocking = 1, .is_pipe = type == S_IFIFO && is_nameless(fd)};
  if (type != S_IFCHR && type != S_IFIFO) return end;
  path[sizeof path - 2] = (char)('0' + fd);
  i64 own = syscall6(SYS_openat, (u64)AT_FDCWD, (u64)path, access | O_NONBLOCK | O_CLOEXEC, 0, 0, 0);
  if (own >= 0) {
    end.fd = (u32)own;
    end.blocking = 0;
    end.is_ours = 1;
  }
  return end;
}

/* A terminal and a file stay in the mode that they came in. */
static struct end callers_source(u32 fd) {
  u32 type = type_of(fd);
  return type == S_IFIFO || type == S_IFSOCK ? unblocked(fd, type, 0) : (struct end){.fd = fd, .blocking = 1};
}

/* poll(2) never calls a file full. Opened anew, it would be written from its start. */
static struct end callers_sink(u32 fd) {
  u32 type = type_of(fd);
  return type == S_IFREG ? (struct end){.fd = fd} : unblocked(fd, type, O_WRONLY | O_NOCTTY);
}

static void finish(struct stream *s) {
  s->done = 1;
  if (s->source.is_ours) syscall6(SYS_close, s->source.fd, 0, 0, 0, 0, 0);
  if (s->sink.is_ours) syscall6(SYS_close, s->sink.fd, 0, 0, 0, 0, 0);
}

/* @returns 0 where the stream has to wait before it goes on */
static int write_held(struct stream *s) {
  u64 size = s->sink.blocking && s->held > PAGE ? PAGE : s->held;
  u64 from = (u64)(s->buffer + s->at);
  i64 n = s->sink.is_socket ? syscall6(SYS_sendto, s->sink.fd, from, size, MSG_NOSIGNAL | DONTWAIT, 0, 0)
                            : syscall6(SYS_write, s->sink.fd, from, size, 0, 0, 0);
  if (n == -EAGAIN || n == -EINTR) return 0;
  if (n < 0) {
    finish(s);
  } else {
    s->at += (u32)n;
    s->held -= (u32)n;
  }
  return 1;
}

/* @returns as write_held does */
static int read_more(struct stream *s, int drain) {
  u64 size = s->is_limited && s->left < CHUNK ? s->left : CHUNK;
  i64 n = s->source.is_socket ? syscall6(SYS_recvfrom, s->source.fd, (u64)s->buffer, size, DONTWAIT, 0, 0)
                              : syscall6(SYS_read, s->source.fd, (u64)s->buffer, size, 0, 0, 0);
  if (n == -EINTR) return 0;
  if (n == -EAGAIN) {
    if (drain) finish(s);
    return 0;
  }
  s->at = 0;
  s->held = n > 0 ? (u32)n : 0;
  s->left -= s->held;
  s->source_ended = n <= 0;
  return 1;
}

/* Somebody may go on writing to a pipe without end. So what it holds by now is all that is read. */
static void limit(struct stream *s) {
  u32 held = 0;
  if (s->is_limited || !s->source.is_pipe) return;
  if (syscall6(SYS_ioctl, s->source.fd, FIONREAD, (u64)&held, 0, 0, 0) < 0) return;
  s->is_limited = 1;
  s->left = held;
}

/* Copies what can be copied without waiting. @param drain whether the stream has ended once the source is empty */
static void advance(struct stream *s, int drain) {
  int may_write = !s->sink.blocking || is_stalled(s), may_read = !s->source.blocking || !is_stalled(s);
  if (drain && !s->done) limit(s);
  for (int turn = 0; turn < CHUNKS_A_TURN && !s->done; turn++) {
    if (is_stalled(s)) {
      if (!may_write || !write_held(s)) return;
      may_write = !s->sink.blocking;
    } else if (s->source_ended) {
      finish(s);
    } else {
      if (!may_read || !read_more(s, drain)) return;
      may_read = !s->source.blocking;
    }
  }
}

/*
 * What to wait for before the stream goes on. The second is for a sink that may be lost meanwhile: the source is then
 * closed at once. @returns how many
 */
static u32 await_stream(const struct stream *s, struct polled *polled) {
  if (is_stalled(s)) {
    polled[0] = (struct polled){s->sink.fd, POLL_OUT, 0};
    return 1;
  }
  polled[0] = (struct polled){s->source.fd, POLL_IN, 0};
  if (!s->sink.is_pipe) return 1;
  polled[1] = (struct polled){s->sink.fd, 0, 0};
  return 2;
}

static void proceed(struct stream *s, int first, int second) {
  if (second)
    finish(s);
  else if (first)
    advance(s, 0);
}
