/*
 * The container's init, until the container's program takes its place. It performs the system calls that it is sent.
 *
 * It reads a batch from a socket, performs it, answers with the results, and decides nothing. TypeScript decides:
 * native/kernel/kernel.ts says what a batch means, native/performers/remote.ts how it is written. The same program is
 * the stage that makes the namespaces, and the process that joins a container for `exec`.
 *
 * It is executed from a sealed memfd, so nobody who reaches /proc/PID/exe can write to it (CVE-2019-5736). It is not
 * dumpable from its first call on, so a process in a joined pid namespace can neither trace it nor reach its
 * descriptors by /proc/PID/fd (CVE-2016-9962, CVE-2024-21626).
 */
#include "batches.h"

#define PR_SET_DUMPABLE 4
#define SOL_SOCKET 1
#define SO_PEERCRED 17
#define ENFILE 23
#define EMFILE 24
#define ECONNABORTED 103
#define ENOBUFS 105
#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGTERM 15
#define SIG_DFL 0
#define SA_RESTORER 0x04000000

/* Word by word: the compiler would call memcpy for an assignment, and there is none. */
static void copy(struct call *to, const struct call *from)
{
	for (volatile u32 i = 0; i < sizeof *to / 8; i++)
		((u64 *)to)[i] = ((const u64 *)from)[i];
}

static void end(int signal)
{
	quit(128 + signal);
}

/*
 * The first process of a pid namespace does not notice signals that it has no handler for. While it waits, the signals
 * that ask a program to end shall end it, as they end runc's init. execve gives the program the default actions.
 */
static void end_when_asked(void)
{
	static const char asking[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

	for (u32 i = 0; i < sizeof asking; i++) {
		u64 signal = (u64)asking[i];
		/* The kernel's struct: handler, flags, restorer (the handler does not return), mask. */
		u64 action[4] = {0};
		syscall6(SYS_rt_sigaction, signal, 0, (u64)action, sizeof action[3], 0, 0);
		if (action[0] != SIG_DFL)
			continue; /* it is ignored, and the program is to inherit that */
		action[0] = action[2] = (u64)end;
		action[1] = SA_RESTORER;
		syscall6(SYS_rt_sigaction, signal, (u64)action, 0, sizeof action[3], 0, 0);
	}
}

/* Whether the user with that uid connected; the uid is one of this process's user namespace. */
static int is_from(i64 sock, u64 uid)
{
	u32 peer[3] = {0}; /* struct ucred: pid, uid, gid */
	u32 size = sizeof peer;

	return syscall6(SYS_getsockopt, (u64)sock, SOL_SOCKET, SO_PEERCRED, (u64)peer, (u64)&size, 0) == 0 && peer[1] == uid;
}

/* Whether there is too little of something that others may give back: descriptors or memory. */
static int is_shortage(i64 error)
{
	return error == -ENOMEM || error == -ENFILE || error == -EMFILE || error == -ENOBUFS;
}

static void rest(void)
{
	u64 tenth_of_a_second[2] = {0, 100000000};

	syscall6(SYS_nanosleep, (u64)tenth_of_a_second, 0, 0, 0, 0, 0);
}

/*
 * Waits for the next connection of the user whose uid is argument 4, which accept4 itself does not look at. The owner
 * may still come after a signal (a freeze, a stop), a peer that gave up, or a shortage. The connection stays in the
 * listener's queue during a shortage.
 * @returns -errno where none can come any more
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
		else if (is_shortage(next))
			rest();
		else if (next != -EINTR && next != -ECONNABORTED)
			return next;
	}
}

/* Performs calls until one fails that may not, one is to be served on, or this process is a child that a call made. */
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

/* @param arena has two halves: the first for a message, the second for its answer */
static void serve(i64 sock, char *arena, u64 half)
{
	struct message *m = (struct message *)arena;
	struct call again = {0}; /* the last SERVE call, by which the next connection comes; flags are 0 without one */
	int stopped = 0; /* the last batch was stopped or left alone */
	int lost = 0; /* the peer is gone, or a seccomp filter that was just loaded forbids the answer */

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
			again.flags = 0; /* its parent serves the connections to come */
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
	if (syscall6(SYS_mmap, ARENA, ARENA_SIZE, PROT_READ_WRITE, MAP_FLAGS, (u64)-1, 0) != (i64)ARENA)
		quit(125);
	serve(sock, (char *)ARENA, ARENA_SIZE / 2);
	quit(0);
}

ENTRY(entry);
