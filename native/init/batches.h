/*
 * Batches of system calls, as a process of ours performs them for the engine: the container's init, and the client of
 * a resident engine. native/kernel/kernel.ts says what a batch means, native/performers/remote.ts how it is written.
 */
#pragma once
#include "../freestanding.h"

/* Where every message is laid out. The address is fixed, so the sender can write pointers to it. */
#define ARENA 0x100000000ul
#define ARENA_SIZE (16ul << 20)

#define PROT_READ_WRITE 3
#define MAP_FLAGS (0x02 | 0x20 | 0x100000 | 0x4000) /* private, anonymous, fixed but not over another, not reserved */
#define MSG_NOSIGNAL 0x4000
#define EINTR 4
#define EAGAIN 11
#define ENOMEM 12
#define MAX_ERRNO 4095

/* RESULTS has a bit for each argument: that argument is the index of an earlier result. */
#define RESULTS 0x3fu
#define MAY_FAIL (1u << 8)
#define CHILD_SERVES (1u << 9) /* argument 5: the socket on which a new process goes on */
#define SERVE (1u << 10)       /* answer first, then serve on what this call returns */

#define FLAGS (RESULTS | MAY_FAIL | CHILD_SERVES | SERVE)

#define NOT_PERFORMED (~0ul) /* stands in an answer for how many calls were performed */

struct call {
	u32 nr;
	u32 flags;
	u64 args[6];
};

/* A message. Its answer is in the second half of the arena: how many calls were done, `count` results, out buffers. */
struct message {
	u32 size; /* bytes, this header included */
	u32 count;
	u32 out_bytes;
	u32 after; /* 1: perform it only if the batch before it was not stopped */
	struct call calls[];
};

/* @param nr read or sendto: with write, a peer that is gone would mean SIGPIPE. @returns 0 when the peer is gone */
static int transfer(i64 nr, i64 fd, char *at, u64 size)
{
	while (size > 0) {
		i64 n = syscall6(nr, (u64)fd, (u64)at, size, MSG_NOSIGNAL, 0, 0);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return 0;
		at += n;
		size -= (u64)n;
	}
	return 1;
}

/* The kernel may leave an out buffer alone: no byte of an earlier message may be left in it. */
static void clear(char *at, u32 size)
{
	for (volatile u32 i = 0; i < size; i++)
		at[i] = 0;
}

/*
 * Whether a call may stand at that place of a batch. It may use only results of calls before it. A call to serve on is
 * an accept4 and the last one, and uses no results: it is performed again when they are gone.
 */
static int is_sound_call(const struct call *call, u64 index, u64 count)
{
	if (call->flags & ~FLAGS)
		return 0;
	if (call->flags & CHILD_SERVES && call->nr != SYS_clone3)
		return 0;
	if (call->flags & SERVE && (call->nr != SYS_accept4 || index + 1 != count || call->flags & RESULTS))
		return 0;
	for (int i = 0; i < 6; i++)
		if (call->flags & (1u << i) && call->args[i] >= index)
			return 0;
	return 1;
}

/* Whether the sizes in the header agree, and the message and its answer fit the halves of the arena. */
static int is_sound_header(const struct message *m, u64 half)
{
	u64 calls = (u64)m->count * sizeof m->calls[0];
	u64 answer = 8 + 8ul * m->count + m->out_bytes;

	return m->size <= half && answer <= half && m->size >= sizeof *m + calls;
}

/*
 * Reads a message. No call of a malformed message is performed: its connection ends, as if the peer were gone. What the
 * calls do is not looked at. Whoever may send them may do with this process what they like.
 * @returns 0 when the connection is to end
 */
static int receive(i64 sock, struct message *m, u64 half)
{
	if (!transfer(SYS_read, sock, (char *)m, sizeof *m) || !is_sound_header(m, half) ||
	    !transfer(SYS_read, sock, (char *)(m + 1), m->size - sizeof *m))
		return 0;
	for (u64 i = 0; i < m->count; i++)
		if (!is_sound_call(&m->calls[i], i, m->count))
			return 0;
	return 1;
}

static i64 perform(const struct call *call, const i64 *results)
{
	u64 a[6];
	for (int i = 0; i < 6; i++)
		a[i] = call->flags & (1u << i) ? (u64)results[call->args[i]] : call->args[i];
	i64 r;
	int tries = 0;
	/* openat2(2) asks to try again if somebody renames or mounts anything while it resolves ".." below a root. */
	do
		r = syscall6(call->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	while (r == -EAGAIN && call->nr == SYS_openat2 && ++tries < 128);
	return r;
}
