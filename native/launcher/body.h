/*
 * The caller's side of a command that a resident engine decides: the body. It performs the batches that the engine
 * sends, as a container's init does. So what the engine needs of the caller (children, limits, waits) is the caller's.
 */
#pragma once
#include "../init/batches.h"
#include "../resident/protocol.h"
#include "attend.h"
#include "decimal.h"
#include "signals.h"
#include "stage.h"

/*
 * How the engine's part ended: it is gone; it gives the command back, of which nothing has been done; or it has left us
 * to ourselves, and what is in `next` is to be done. Where it asks for an exit status, we exit by a call of its batch.
 */
enum service { LOST, COLD, LEFT };

/* Of a container the state root, the log and the id: they are paths and a name of a path. */
enum { LINE_SIZE = 3 * 4096, STATUS_SIZE = 8 };
/* A command line that is left to do: words, each with its NUL. */
struct next {
  u64 size;
  char words[LINE_SIZE];
};

enum { E2BIG = 7, EFAULT = 14 };
enum { EEXIST = 17 }; /* the arena is there since an earlier engine */

static int is_within(u64 at, u64 size, u64 begin, u64 length) {
  return at >= begin && size <= length && at - begin <= length - size;
}

/* Of addresses in a message that are none of what a call of ours is for, we say what the kernel says of wrong ones. */
static int is_out_buffer(u64 at, u64 size) {
  const struct message *m = (const struct message *)ARENA;
  return at % sizeof(u32) == 0 && is_within(at, size, ARENA + ARENA_SIZE / 2 + 8 + 8ul * m->count, m->out_bytes);
}

static int is_in_message(u64 at, u64 size) {
  return is_within(at, size, ARENA, ((const struct message *)ARENA)->size);
}

/* Makes a stage. Its ends become the caller's. @returns its pid, or an error */
static i64 spawn(u64 at) {
  u32 *ends = (u32 *)at;
  struct stage stage;
  if (!is_out_buffer(at, 2 * sizeof *ends)) return -EFAULT;
  if (!start_stage(&stage)) return -ENOMEM;
  ends[0] = (u32)stage.socket;
  ends[1] = (u32)stage.channel;
  return stage.pid;
}

/* Says that there can be no wait. @returns the exit status of a command that fails */
static i64 fail_to_wait(i64 error) {
  static char line[] = "runchart: wait for the container's process: pidfd_open: errno 0000";
  char *end = decimal(line + sizeof line - sizeof "0000", (u64)error);
  *end++ = '\n';
  syscall6(SYS_write, 2, (u64)line, (u64)(end - line), 0, 0, 0);
  return 1;
}

/*
 * Waits for the container's process. Where nothing is left to do then, we exit.
 * @param next gets what is left to do, with the exit status as its last word, where the engine has not waited
 * @returns the exit status, or an error
 */
static i64 attend(const u64 *args, const struct request *request, struct next *next) {
  u64 size = args[4];
  if (!is_out_buffer(args[2], CONTROL_SIZE) || (size && !is_in_message(args[3], size))) return -EFAULT;
  if (size > LINE_SIZE - STATUS_SIZE) return -E2BIG;
  i64 status = wait_for_child(args);
  /* A status is all that an engine hears. The container is removed then, as after any other failure. */
  if (status < 0) status = fail_to_wait(-status);
  u32 word = (u32)status;
  if (size == 0) quit((int)status);
  /* If it has been sent, the engine goes on: see native/resident/attend.ts. */
  i64 sent = syscall6(SYS_sendto, request->connection, (u64)&word, sizeof word, MSG_NOSIGNAL, 0, 0);
  if (sent == sizeof word) return status;
  for (u64 i = 0; i < size; i++) next->words[next->size++] = ((const char *)args[3])[i];
  next->size = (u64)(decimal(next->words + next->size, (u64)status) + 1 - next->words);
  return status;
}

static i64 perform_for_engine(const struct call *call, const i64 *results, const struct request *request,
                              struct next *next) {
  if (call->nr == SPAWN) return spawn(call->args[0]);
  if (call->nr == ATTEND) return attend(call->args, request, next);
  if (call->nr == CATCH_SIGNALS) return catch_signals(call->args[0], call->args[1]);
  if (call->nr == CAUGHT_SIGNALS) return take_caught(call->args[0]);
  if (call->nr == REAP_ORPHANS) {
    static struct wait nobody;
    reap_orphans(&nobody);
    return 0;
  }
  i64 r;
  /* Our own handlers of signals are no reason for a call to fail. */
  do r = perform(call, results);
  while (r == -EINTR && call->nr == SYS_recvmsg);
  return r;
}

/* Whether a batch asks for what only an init can do. */
static int is_for_init(const struct message *m) {
  for (u32 i = 0; i < m->count; i++)
    if (m->calls[i].flags & (CHILD_SERVES | SERVE)) return 1;
  return 0;
}

static int is_go_cold(const struct message *m) { return m->count == 1 && m->calls[0].nr == GO_COLD; }

/*
 * Once the engine has left us to ourselves, nothing more of the batch is performed.
 * @returns whether a call failed that may not
 */
static int perform_batch(const struct message *m, u64 *done, i64 *results, const struct request *request,
                         struct next *next) {
  while (*done < m->count && next->size == 0) {
    const struct call *call = &m->calls[*done];
    i64 r = results[*done] = perform_for_engine(call, results, request, next);
    (*done)++;
    if (r < 0 && r >= -MAX_ERRNO && !(call->flags & MAY_FAIL)) return 1;
  }
  return 0;
}

/* Performs the engine's batches, until it is gone, or gives the command back. */
static enum service serve_engine(const struct request *request, struct next *next) {
  const u64 half = ARENA_SIZE / 2;
  char *arena = (char *)ARENA;
  struct message *m = (struct message *)arena;
  i64 socket = (i64)request->body;
  int stopped = 0;

  i64 map = syscall6(SYS_mmap, ARENA, ARENA_SIZE, PROT_READ_WRITE, MAP_FLAGS, (u64)-1, 0);
  if (map != (i64)ARENA && map != -EEXIST) return LOST;
  while (receive(socket, m, half) && !is_for_init(m)) {
    if (is_go_cold(m)) return COLD;
    u64 *done = (u64 *)(arena + half);
    u64 answer = 8 + 8ul * m->count + m->out_bytes;
    clear((char *)(done + 1 + m->count), m->out_bytes);
    stopped = stopped && m->after;
    *done = stopped ? NOT_PERFORMED : 0;
    if (!stopped) stopped = perform_batch(m, done, (i64 *)(done + 1), request, next);
    if (next->size > 0) return LEFT;
    /* An engine that has asked for its last batch does not wait for answers. What it has sent is there still. */
    transfer(SYS_sendto, socket, (char *)done, answer);
  }
  return LOST;
}
