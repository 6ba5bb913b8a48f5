/*
 * The container's init, until the container's program takes its place: performs the system calls that it is sent.
 *
 * It reads a batch from a socket, performs it, answers with the results, and decides nothing. TypeScript does
 * (native/performers/remote.ts, where the messages are written, native/kernel/kernel.ts, what they mean). The same program is the stage that makes
 * the namespaces, and the process that joins a container for `exec`.
 *
 * It is executed from a sealed memfd, so that nobody who reaches /proc/PID/exe can write to it (CVE-2019-5736),
 * and is not dumpable from its first call on, so that a process in a joined pid namespace can neither trace it nor
 * reach its descriptors by /proc/PID/fd (CVE-2016-9962, CVE-2024-21626).
 */
#include "../freestanding.h"

/* Where every message is laid out: a fixed address, so that the sender can write pointers into it. */
#define ARENA 0x100000000ul
#define ARENA_SIZE (16ul << 20)

#define PROT_READ_WRITE 3
#define MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE_NORESERVE (0x02 | 0x20 | 0x100000 | 0x4000)
#define PR_SET_DUMPABLE 4
#define MSG_NOSIGNAL 0x4000
#define SOL_SOCKET 1
#define SO_PEERCRED 17
#define EINTR 4
#define EAGAIN 11
#define ECONNABORTED 103
#define MAX_ERRNO 4095
#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGTERM 15
#define SIG_DFL 0
#define SA_RESTORER 0x04000000

/* RESULTS, a bit an argument: that argument is the index of an earlier result. */
#define RESULTS 0x3fu
#define MAY_FAIL (1u << 8)
#define CHILD_SERVES (1u << 9) /* argument 5: the socket on which a new process goes on */
#define SERVE (1u << 10)       /* answer first; then serve on what this call returns */

#define FLAGS (RESULTS | MAY_FAIL | CHILD_SERVES | SERVE)

#define NOT_PERFORMED (~0ul) /* instead of how many calls were */

struct call {
	u32 nr;
	u32 flags;
	u64 args[6];
};

/* The answer, in the second half of the arena: how many calls were done, `count` results, the out buffers. */
struct message {
	u32 size; /* bytes, this header included */
	u32 count;
	u32 out_bytes;
	u32 after; /* only where the batch before was not stopped */
	struct call calls[];
};

/* 1 when all of it was moved, 0 when the peer is gone. `nr` is read, or sendto: a peer that is gone is no SIGPIPE. */
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

/* No byte of an earlier message in an out buffer that the kernel leaves alone. */
static void clear(char *at, u32 size)
{
	for (volatile u32 i = 0; i < size; i++)
		at[i] = 0;
}

/* Word by word: the compiler would call memcpy for an assignment, and there is none. */
static void copy(struct call *to, const struct call *from)
{
	for (volatile u32 i = 0; i < sizeof *to / 8; i++)
		((u64 *)to)[i] = ((const u64 *)from)[i];
}

/*
 * Whether a call can be performed as the one at that place of a batch: only results that are there by then are asked for,
 * and a call to serve on is the last one, and an accept without results, since it is performed again without them.
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

/* Whether the header's sizes fit each other, and the message and its answer the halves of the arena. */
static int is_sound_header(const struct message *m, u64 half)
{
	u64 calls = (u64)m->count * sizeof m->calls[0];
	u64 answer = 8 + 8ul * m->count + m->out_bytes;

	return m->size <= half && answer <= half && m->size >= sizeof *m + calls;
}

/*
 * Reads a message. Not one call of a malformed one is performed; its connection ends as that of a peer that is gone does.
 * What the calls do is their sender's business, whom nothing here can keep from harming this process by them.
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
	/* Somebody renamed or mounted while a path with ".." was resolved below a root: openat2(2) asks to try again. */
	do
		r = syscall6(call->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	while (r == -EAGAIN && call->nr == SYS_openat2 && ++tries < 128);
	return r;
}

static void end(int signal)
{
	quit(128 + signal);
}

/*
 * The first process of a pid namespace does not notice signals that it has no handler for. While it waits it is to
 * end by those that ask a program to end, as runc's init does; execve gives the program the default actions.
 */
static void end_when_asked(void)
{
	static const char asking[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

	for (u32 i = 0; i < sizeof asking; i++) {
		u64 signal = (u64)asking[i];
		/* As the kernel has it: handler, flags, restorer (nobody returns to it), mask. */
		u64 action[4] = {0};
		syscall6(SYS_rt_sigaction, signal, 0, (u64)action, sizeof action[3], 0, 0);
		if (action[0] != SIG_DFL)
			continue; /* ignored: the program inherits that */
		action[0] = action[2] = (u64)end;
		action[1] = SA_RESTORER;
		syscall6(SYS_rt_sigaction, signal, (u64)action, 0, sizeof action[3], 0, 0);
	}
}

/* Whether a user connected, whom this process's user namespace knows by that uid. */
static int is_from(i64 sock, u64 uid)
{
	u32 peer[3] = {0}; /* struct ucred: pid, uid, gid */
	u32 size = sizeof peer;

	return syscall6(SYS_getsockopt, (u64)sock, SOL_SOCKET, SO_PEERCRED, (u64)peer, (u64)&size, 0) == 0 && peer[1] == uid;
}

/*
 * Waits for the next connection of the user that argument 4 names: accept4 itself does not look at it.
 * Signals (a freeze, a stop) and a peer that gave up do not end the wait.
 */
static i64 next_connection(u64 old, const struct call *again)
{
	i64 next;

	syscall6(SYS_close, old, 0, 0, 0, 0, 0);
	for (;;) {
		next = perform(again, 0);
		if (next >= 0 && is_from(next, again->args[4]))
			return next;
		if (next >= 0)
			syscall6(SYS_close, (u64)next, 0, 0, 0, 0, 0);
		else if (next != -EINTR && next != -ECONNABORTED)
			return next;
	}
}

/* Performs calls until one fails that may not, one is to be served on, or this process is the new child of one. */
static enum { ANSWER, STOPPED, ANSWER_AND_SERVE, CHILD } run(const struct message *m, u64 *done, i64 *results)
{
	for (; *done < m->count; (*done)++) {
		const struct call *call = &m->calls[*done];
		if (call->flags & SERVE)
			return ANSWER_AND_SERVE;
		i64 r = results[*done] = perform(call, results);
		if (r == 0 && call->flags & CHILD_SERVES)
			return CHILD;
		if (r < 0 && r >= -MAX_ERRNO && !(call->flags & MAY_FAIL)) {
			(*done)++;
			return STOPPED;
		}
	}
	return ANSWER;
}

/* @param arena of two halves: the message's, and its answer's */
static void serve(i64 sock, char *arena, u64 half)
{
	struct message *m = (struct message *)arena;
	struct call again = {0}; /* how to come by the next connection, once a SERVE call has said so */
	int stopped = 0; /* the last batch was */
	int lost = 0; /* the peer is gone, or a seccomp filter that was just loaded forbids to answer it */

	while (sock >= 0) {
		if (lost || !receive(sock, m, half)) {
			if (!again.flags)
				return;
			sock = next_connection((u64)sock, &again);
			lost = stopped = 0;
			continue;
		}

		u64 *done = (u64 *)(arena + half);
		u64 answer = 8 + 8ul * m->count + m->out_bytes;
		clear((char *)(done + 1 + m->count), m->out_bytes);
		stopped = stopped && m->after;
		*done = stopped ? NOT_PERFORMED : 0;
		switch (stopped ? ANSWER : run(m, done, (i64 *)(done + 1))) {
		case CHILD:
			syscall6(SYS_close, (u64)sock, 0, 0, 0, 0, 0);
			again.flags = 0; /* the connections to come are its parent's */
			sock = (i64)m->calls[*done].args[5];
			break;
		case STOPPED:
			stopped = 1;
			/* fall through */
		case ANSWER:
			lost = !transfer(SYS_sendto, sock, (char *)done, answer);
			break;
		case ANSWER_AND_SERVE:
			transfer(SYS_sendto, sock, (char *)done, answer);
			end_when_asked();
			copy(&again, &m->calls[*done]);
			sock = next_connection((u64)sock, &again);
			stopped = 0;
		}
	}
}

/* argv[1]: the socket's descriptor, in decimal. */
__attribute__((used)) static void entry(u64 *stack)
{
	i64 sock = 0;

	syscall6(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0, 0);
	if (stack[0] < 2)
		quit(125);
	for (const char *p = (const char *)stack[2]; *p; p++)
		sock = sock * 10 + (*p - '0');
	if (syscall6(SYS_mmap, ARENA, ARENA_SIZE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE_NORESERVE, (u64)-1, 0) !=
	    (i64)ARENA)
		quit(125);
	serve(sock, (char *)ARENA, ARENA_SIZE / 2);
	quit(0);
}

ENTRY(entry);
