/*
 * The client of a resident engine (native/launcher/client.h and what it includes) under libFuzzer: the shipped source,
 * with a kernel of ours in the place of syscall6().
 *
 * An input is what a server says. Its first byte says how the command and the server are (the enum below). Then, for
 * each time that the client asks: the server's answer in one byte (0: none comes in time), and what comes over the
 * body's socket: its length in two bytes, then its bytes. An argument of a call that lies in the arena of the real
 * client is made one in ours. The input also decides what the kernel answers.
 */
#define quit quit_for_real
#include <freestanding.h>
#undef quit

static i64 kernel(i64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
#define syscall6 kernel
__attribute__((noreturn)) static void quit(int status);

#include <init/batches.h>

enum { REAL_ARENA_AT = 1, HALF = 256 << 10 };
static char our_arena[2 * HALF] __attribute__((aligned(4096)));
#undef ARENA
#undef ARENA_SIZE
#define ARENA ((u64)our_arena)
#define ARENA_SIZE (2ul * HALF)

/* Each call that a message asks for goes through our rules. */
static i64 checked_perform(const struct call *call, const i64 *results);
static i64 (*const unchecked_perform)(const struct call *call, const i64 *results) = perform;
#define perform checked_perform
#define INIT_PROGRAM "/dev/null"
#include <launcher/client.h>
#undef perform

#include <setjmp.h>
#include <string.h>
#include "input.h"

/* Of the first byte. */
enum { MAKES_PROCESS = 1, STRANGER = 2, REFUSES = 4, LEAVES = 8, PLAIN = 16, CHILDREN_END = 32 };
enum { EBADF = 9, ECHILD = 10, EPIPE = 32, ENOSYS = 38, STAGE_PID = 4242 };

static int how;
static jmp_buf quitted;
static int exit_status;

/* The descriptors of the client. */
enum kind { FREE, CALLERS, CONNECTION, BODY, STAGES, PIDFD, PIPE, ANEW };
enum { DESCRIPTORS = 256 };
static struct {
	enum kind kind;
	u32 stream;
} table[DESCRIPTORS];

/* Of the asking that is under way. */
static int asked, sent, was_ready, gave_up, begun;
static unsigned char answer_to_come;

/* Of the message that is served. Some calls are none of the kernel's: those are performed by the client's own code. */
static u64 performed, answered;
static int in_message, was_stopped, skips, in_call, interrupted;
static i64 results_of[HALF / 56 + 1];

/* Of the long wait. */
static int attends, child_ended, reaped, lost_sink;
static u32 steps, child;
static u64 supplied[STREAMS], delivered[STREAMS];
static int has_attended, is_wait_refused, left, said_that_it_ended;

static int pairs;

/* Whether something rare happens. To inputs that say so, nothing rare does. */
static int rarely(u64 often) { return !(how & PLAIN) && random_below(often) == 0; }

static const struct message *message(void) { return (const struct message *)our_arena; }

/* It divides and subtracts where batches.h multiplies and adds, so that both are not wrong alike. */
static int fits(const struct message *m)
{
	if (m->size < 16 || m->size > HALF || (m->size - 16) / 56 < m->count)
		return 0;
	return HALF - 8 - 8ul * m->count >= m->out_bytes;
}

static int is_special(u32 nr) { return nr == SPAWN || (nr >= ATTEND && nr <= REAP_ORPHANS); }

/* Whether all calls are ones that a client may perform. */
static int is_for_client(const struct message *m)
{
	for (u64 i = 0; i < m->count; i++) {
		const struct call *call = &m->calls[i];
		if (call->flags & ~0x13fu)
			return 0;
		for (int arg = 0; arg < 6; arg++)
			if (call->flags >> arg & 1 && call->args[arg] >= i)
				return 0;
	}
	return 1;
}

static i64 result_at(u64 index) { return ((const i64 *)(our_arena + HALF))[1 + index]; }

static i64 new_descriptor(enum kind kind, u32 lowest)
{
	for (u32 fd = lowest; fd < DESCRIPTORS; fd++)
		if (table[fd].kind == FREE) {
			table[fd].kind = kind;
			return fd;
		}
	return -EBADF;
}

static enum kind kind_of(u64 fd) { return fd < DESCRIPTORS ? table[fd].kind : FREE; }

/* Whether the calls from the last one that we have seen up to this one are the client's own to perform. */
static void pass_special(u64 index)
{
	for (; performed < index; performed++) {
		CHECK(is_special(message()->calls[performed].nr));
		results_of[performed] = result_at(performed);
		CHECK(!was_stopped);
		was_stopped = results_of[performed] < 0 && results_of[performed] >= -4095 &&
			      !(message()->calls[performed].flags & 256);
	}
}

static i64 checked_perform(const struct call *call, const i64 *results)
{
	const struct message *m = message();
	u64 index = (u64)(call - m->calls);

	CHECK(begun && in_message && !answered && !skips && fits(m) && is_for_client(m) && index < m->count);
	CHECK(!is_special(call->nr) && !(m->count == 1 && call->nr == GO_COLD));
	if (interrupted)
		CHECK(index == performed - 1);
	else
		pass_special(index), performed++;
	CHECK(!was_stopped || interrupted);
	for (int i = 0; i < 6; i++)
		if (call->flags >> i & 1)
			CHECK(results[call->args[i]] == results_of[call->args[i]]);
	in_call = 1;
	i64 r = results_of[index] = unchecked_perform(call, results);
	in_call = 0;
	interrupted = r == -EINTR && call->nr == SYS_recvmsg;
	was_stopped = !interrupted && r < 0 && r >= -4095 && !(call->flags & 256);
	return r;
}

/* A call that a message asks for. */
static i64 asked_for(i64 nr, const u64 args[6])
{
	const struct call *call = &message()->calls[performed - 1];
	CHECK((u32)nr == call->nr);
	for (int i = 0; i < 6; i++)
		CHECK(args[i] == (call->flags >> i & 1 ? (u64)results_of[call->args[i]] : call->args[i]));
	if (call->nr > 0x7fffffff)
		return -ENOSYS; /* with one of these an input stops a batch for sure */
	if (nr == SYS_recvmsg && rarely(4))
		return -EINTR;
	switch (random_below(8)) {
	case 0:
		return how & PLAIN ? 1 : -EBADF;
	case 1:
		return how & PLAIN ? 2 : (i64)(chance * chance);
	default:
		return 1 + (i64)random_below(100);
	}
}

static void begin_asking(void)
{
	/* The first pair of sockets is the body's. */
	asked = sent = was_ready = gave_up = begun = left = in_message = was_stopped = skips = pairs = 0;
	answer_to_come = 0;
	if (input < input_end)
		answer_to_come = *input++;
	begin_piece();
}

static void make_arguments_ours(struct message *m)
{
	for (u64 i = 0; i < m->count; i++)
		for (int arg = 0; arg < 6; arg++)
			if (m->calls[i].args[arg] >> 32 == REAL_ARENA_AT)
				m->calls[i].args[arg] = (u64)our_arena + (m->calls[i].args[arg] & (ARENA_SIZE - 1));
}

/* What comes over the body's socket. */
static i64 reads_batch(char *to, u64 size)
{
	struct message *m = (struct message *)our_arena;

	CHECK(begun && to >= our_arena && to <= our_arena + HALF && size <= HALF - (u64)(to - our_arena));
	if (to == our_arena && size == 16)
		in_message = 0;
	else if (!in_message && to == our_arena + 16)
		CHECK(fits(m) && size == m->size - 16);
	if (bytes_left == 0)
		return rarely(2) ? -EPIPE : 0;
	if (rarely(16))
		return -EINTR;
	u64 n = size < bytes_left ? size : bytes_left;
	if (n > 1 && rarely(4))
		n = 1 + random_below(n);
	memcpy(to, bytes, n);
	bytes += n;
	bytes_left -= n;
	/* Without calls, a message is whole with its header. */
	if (to + n >= our_arena + 16 && fits(m) && to + n == our_arena + m->size) {
		make_arguments_ours(m);
		in_message = 1;
		performed = answered = interrupted = 0;
		skips = was_stopped && m->after;
		if (!skips)
			was_stopped = 0;
	}
	return (i64)n;
}

static i64 sends_answer(const char *from, u64 size)
{
	const struct message *m = message();
	const u64 *done = (const u64 *)(our_arena + HALF);
	u64 whole = 8 + 8ul * m->count + m->out_bytes;

	CHECK(in_message && fits(m) && is_for_client(m) && !attends && !interrupted);
	CHECK((u64)(from - our_arena) == HALF + answered && size == whole - answered);
	if (skips) {
		CHECK(*done == ~0ul);
	} else if (answered == 0) {
		CHECK(*done <= m->count);
		pass_special(*done);
		CHECK(*done == performed && (was_stopped || performed == m->count));
		CHECK(memcmp(done + 1, results_of, 8 * performed) == 0);
	}
	/* Only calls of ours and the kernel write there, and this kernel writes nothing. */
	int writes = 0;
	for (u64 i = 0; i < m->count; i++)
		writes |= is_special(m->calls[i].nr);
	for (u64 i = 8 + 8ul * m->count; i < whole && !writes; i++)
		CHECK(((const char *)done)[i] == 0);
	if (rarely(16))
		return -EINTR;
	if (rarely(64))
		return -EPIPE;
	u64 n = rarely(4) ? 1 + random_below(size) : size;
	answered += n;
	return (i64)n;
}

/* The request: it says of itself what it is, and only root is told. */
static i64 sends_request(u64 fd, const struct envelope *envelope)
{
	const struct piece *pieces = envelope->pieces;
	const struct request *request = (const struct request *)pieces[0].at;
	const struct rights *rights = envelope->control;
	u64 size = 0, n = (rights->size - 16) / 4;

	CHECK(kind_of(fd) == CONNECTION && asked && !(how & (STRANGER | REFUSES)) && !sent);
	for (u64 i = 0; i < envelope->count; i++)
		size += pieces[i].size;
	CHECK(envelope->count == 4 && request->size == size && size <= LARGEST_REQUEST);
	CHECK(request->argv_bytes == pieces[1].size && request->env_bytes == pieces[2].size);
	CHECK(request->cwd_bytes == pieces[3].size && *(const char *)pieces[3].at == '/');
	CHECK(((const char *)pieces[1].at)[pieces[1].size - 1] == 0);
	CHECK(n == 4ul + (request->flags & STAGED ? 2 : 0) + request->preserved && n <= sizeof rights->fds / 4);
	for (u64 i = 0; i < n; i++)
		CHECK(kind_of(rights->fds[i]) != FREE);
	sent = 1;
	if (rarely(16)) {
		sent = 0;
		return -EAGAIN;
	}
	return (i64)size;
}

/* By the connection: the stage's pid, or how the child ended. */
static i64 tells(const u32 *word, u64 size)
{
	CHECK(sent && size == 4);
	if (!begun)
		return 4;
	CHECK(has_attended && !attends && !is_wait_refused && (int)*word == exit_status);
	left = rarely(2) || how & LEAVES;
	return left ? -EPIPE : 4;
}

/* The server's answer. One that comes late can come no more once that direction is shut. */
static i64 receives_answer(char *to)
{
	CHECK(asked && (was_ready || gave_up));
	if (!answer_to_come || !(was_ready || random_below(2)))
		return rarely(2) ? 0 : -EAGAIN;
	*to = (char)answer_to_come;
	begun = answer_to_come == 'B';
	return 1;
}

static i64 waits_for_answer(const struct polled *polled, const u64 *patience)
{
	CHECK(polled->fd < DESCRIPTORS && kind_of(polled->fd) == CONNECTION && sent);
	CHECK(patience[0] == 0 && patience[1] == 5000000);
	was_ready = answer_to_come && !rarely(8);
	return was_ready;
}

/* In the long wait. All ends after some steps, so that an input does. */
static i64 waits_for_container(struct polled *polled, u64 n)
{
	i64 ready = 0;
	CHECK(attends && n <= 2 * STREAMS + 1);
	steps++;
	if (steps > 40 || random_below(8) == 0)
		child_ended = 1;
	for (u64 i = 0; i < n; i++) {
		enum kind kind = kind_of(polled[i].fd);
		CHECK(kind != FREE && kind != CONNECTION && kind != BODY);
		polled[i].happened = kind == PIDFD ? (short)child_ended : (short)(polled[i].events && random_below(2));
		if (!polled[i].events && rarely(32))
			polled[i].happened = 8, lost_sink = 1;
		ready += polled[i].happened != 0;
	}
	if (how & CHILDREN_END)
		note_signal(SIGCHLD);
	if (rarely(8))
		note_signal(1 + (int)random_below(LAST_CAUGHT));
	return rarely(8) ? -EINTR : ready;
}

/* Whether the next call that is left to the client's own code asks it to reap. */
static int asks_to_reap(void)
{
	const struct message *m = message();
	u64 index = performed;

	while (index < m->count && is_special(m->calls[index].nr) && m->calls[index].nr != REAP_ORPHANS)
		index++;
	return in_message && !skips && index < m->count && m->calls[index].nr == REAP_ORPHANS;
}

/* Children are reaped in the long wait, and where the engine asks for it: then all that have ended. */
static i64 waits_for_child(u64 type, u64 id, struct exit_info *info)
{
	if (!attends) {
		CHECK(type == P_ALL && asks_to_reap());
		if (rarely(2)) {
			info->pid = child + 1;
			return 0;
		}
		return rarely(2) ? -ECHILD : 0;
	}
	CHECK(type == P_ALL || id == child);
	if (type == P_ALL && rarely(2)) {
		info->pid = child + 1;
		return 0;
	}
	if (reaped)
		return -ECHILD;
	if (!child_ended)
		return 0;
	info->pid = child;
	info->code = 1 + random_below(2);
	info->status = (u32)random_below(info->code == 1 ? 256 : 65);
	exit_status = (int)(info->code == 1 ? info->status : 128 + info->status);
	reaped = 1;
	return 0;
}

/* The container's pipes are there when the wait begins. */
static i64 opens_pidfd(u64 pid)
{
	const struct message *m = message();
	u64 index = *(const u64 *)(our_arena + HALF);

	CHECK(begun && in_message && !answered && !skips && !attends && !left && fits(m) && is_for_client(m));
	CHECK(index >= performed && index < m->count && m->calls[index].nr == ATTEND);
	const u64 *args = m->calls[index].args;
	CHECK(args[2] - (u64)our_arena >= HALF + 8 + 8ul * m->count && (u32)args[0] == pid);
	CHECK(args[2] - (u64)our_arena + 16 + 4 * STREAMS <= HALF + 8 + 8ul * m->count + m->out_bytes);
	has_attended = 1;
	exit_status = 1;
	if (pid == 0 || pid > 1 << 22) {
		is_wait_refused = 1;
		return -EINVAL;
	}
	u32 *fds = (u32 *)args[2] + 4;
	for (u32 i = 0; i < STREAMS; i++)
		if (args[1] >> i & 1) {
			i64 fd = new_descriptor(PIPE, 3);
			CHECK(fd > 0);
			table[fd].stream = i;
			*fds++ = (u32)fd;
		}
	child = (u32)pid;
	attends = 1;
	child_ended = reaped = lost_sink = 0;
	steps = 0;
	exit_status = 255;
	memset(supplied, 0, sizeof supplied);
	memset(delivered, 0, sizeof delivered);
	return new_descriptor(PIDFD, 3);
}

static u32 stream_of(u64 fd)
{
	enum kind kind = kind_of(fd);
	CHECK(attends && (kind == PIPE || kind == ANEW || (kind == CALLERS && fd < 3)));
	return kind == CALLERS ? (u32)fd : table[fd].stream;
}

static i64 reads_stream(u64 fd, unsigned char *to, u64 size)
{
	u32 s = stream_of(fd);
	CHECK((kind_of(fd) == PIPE) == (s > 0));
	CHECK(size <= CHUNK && (char *)to >= our_arena + HALF && (char *)to + size <= our_arena + ARENA_SIZE);
	if (steps > 40 || rarely(16))
		return 0;
	if (rarely(4))
		return rarely(2) ? -EINTR : -EAGAIN;
	u64 n = random_below(16) ? random_below(64) : random_below(size + 1);
	if (n > size)
		n = size;
	for (u64 i = 0; i < n; i++)
		to[i] = (unsigned char)supplied[s]++;
	return (i64)n;
}

static i64 writes_stream(u64 fd, const unsigned char *from, u64 size)
{
	u32 s = stream_of(fd);
	CHECK((kind_of(fd) == PIPE) == (s == 0));
	CHECK(size > 0 && (const char *)from >= our_arena + HALF && (const char *)from + size <= our_arena + ARENA_SIZE);
	if (rarely(32)) {
		lost_sink = 1;
		return -EPIPE;
	}
	if (steps <= 40 && rarely(4))
		return rarely(2) ? -EINTR : -EAGAIN;
	u64 n = 1 + random_below(size);
	for (u64 i = 0; i < n; i++)
		CHECK(from[i] == (unsigned char)(delivered[s]++));
	CHECK(delivered[s] <= supplied[s]);
	return (i64)n;
}

static i64 writes(u64 fd, const char *from, u64 size)
{
	static const char says[] = "runchart: the resident server ended";
	if (attends)
		return writes_stream(fd, (const unsigned char *)from, size);
	if (is_wait_refused) {
		CHECK(fd == 2 && from[size - 1] == '\n' && memcmp(from + size - 10, " errno 22\n", 10) == 0);
		is_wait_refused = 0;
		return (i64)size;
	}
	CHECK(fd == 2 && size > sizeof says && memcmp(from, says, sizeof says - 1) == 0 && from[size - 1] == '\n');
	said_that_it_ended = 1;
	return (i64)size;
}

static i64 closes(u64 fd)
{
	if ((i64)fd < 0)
		return -EBADF; /* what could not be opened */
	CHECK(kind_of(fd) != FREE && kind_of(fd) != CALLERS);
	table[fd].kind = FREE;
	return 0;
}

static i64 controls(u64 fd, u64 what, u64 value)
{
	if (what == F_GETFD)
		return kind_of(fd) == FREE ? -EBADF : 0;
	CHECK(kind_of(fd) != FREE);
	if (what != F_DUPFD)
		return kind_of(fd) == PIPE ? 0 : -EBADF;
	return rarely(16) ? -EINVAL : new_descriptor(table[fd].kind, (u32)value);
}

static i64 makes_pair(int *ends, enum kind kind)
{
	if (rarely(16))
		return -EBADF;
	for (int i = 0; i < 2; i++) {
		i64 fd = new_descriptor(kind, 3);
		CHECK(fd > 0);
		ends[i] = (int)fd;
	}
	return 0;
}

static i64 connects(u64 fd, const struct unix_address *address, u64 size)
{
	CHECK(kind_of(fd) == CONNECTION && address->family == 1 && size <= sizeof *address);
	CHECK(address->path[size - 3] == 0);
	begin_asking();
	asked = !(how & REFUSES) && !rarely(16);
	return asked ? 0 : -EAGAIN;
}

static i64 opens_anew(const char *path)
{
	CHECK(attends && memcmp(path, "/proc/self/fd/", 14) == 0 && path[14] >= '0' && path[14] < '3');
	if (rarely(4))
		return -EBADF;
	i64 fd = new_descriptor(ANEW, 3);
	CHECK(fd > 0);
	table[fd].stream = (u32)(path[14] - '0');
	return fd;
}

static i64 tells_type(unsigned char *stat)
{
	static const u32 types[] = {S_IFIFO, S_IFCHR, S_IFREG, S_IFSOCK};
	u32 type = types[random_below(4)];
	stat[28] = (unsigned char)type;
	stat[29] = (unsigned char)(type >> 8);
	return 0;
}

static i64 receives(u64 fd, char *to, u64 size)
{
	if (kind_of(fd) != CONNECTION)
		return reads_stream(fd, (unsigned char *)to, size);
	CHECK(size == 1);
	return receives_answer(to);
}

static i64 sends_bytes(u64 fd, const char *from, u64 size)
{
	if (kind_of(fd) == BODY)
		return sends_answer(from, size);
	if (kind_of(fd) == CONNECTION)
		return tells((const u32 *)from, size);
	return writes_stream(fd, (const unsigned char *)from, size);
}

/* What is about the long wait. */
static i64 about_wait(i64 nr, const u64 a[6])
{
	switch (nr) {
	case SYS_rt_sigprocmask:
		CHECK(attends);
		if (a[0] == SIG_SETMASK)
			attends = 0;
		return 0;
	case SYS_waitid:
		return waits_for_child(a[0], a[1], (struct exit_info *)a[2]);
	case SYS_pidfd_send_signal:
		CHECK(attends && kind_of(a[0]) == PIDFD && a[1] != 17 && a[1] != 28);
		return child_ended ? -ESRCH : 0;
	case SYS_statx:
		return rarely(16) ? -EBADF : tells_type((unsigned char *)a[4]);
	case SYS_fstatfs:
		*(u64 *)a[1] = random_below(2) ? PIPEFS_MAGIC : 0;
		return 0;
	case SYS_openat:
		return opens_anew((const char *)a[1]);
	case SYS_ioctl:
		*(u32 *)a[2] = (u32)random_below(200000);
		return rarely(8) ? -EBADF : 0;
	default:
		CHECK(!"a call that the client has no reason for");
		return 0;
	}
}

static i64 kernel(i64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	const u64 args[6] = {a, b, c, d, e, f};
	if (in_call)
		return asked_for(nr, args);
	switch (nr) {
	case SYS_geteuid:
		return 0;
	case SYS_getpid:
		return STAGE_PID - 1;
	case SYS_readlinkat:
		return -EINVAL;
	case SYS_socket:
		CHECK(b & 04000); /* neither a full queue nor a full socket holds the command up: 5 ms are all */
		return new_descriptor(CONNECTION, 3);
	case SYS_connect:
		return connects(a, (const struct unix_address *)b, c);
	case SYS_getsockopt:
		((u32 *)d)[1] = how & STRANGER ? 65534 : 0;
		return 0;
	case SYS_getcwd:
		memcpy((char *)a, "/tmp", 5);
		return 5;
	case SYS_fcntl:
		return controls(a, b, c);
	case SYS_prlimit64:
		*(u64 *)d = 250;
		return 0;
	case SYS_socketpair:
		return makes_pair((int *)d, pairs++ == 0 ? BODY : STAGES);
	case SYS_clone:
		CHECK(begun ? in_message && !answered && !skips : how & MAKES_PROCESS);
		return rarely(8) ? -EAGAIN : STAGE_PID;
	case SYS_close:
		return closes(a);
	case SYS_sendmsg:
		return sends_request(a, (const struct envelope *)b);
	case SYS_sendto:
		return sends_bytes(a, (const char *)b, c);
	case SYS_recvfrom:
		return receives(a, (char *)b, c);
	case SYS_shutdown:
		CHECK(kind_of(a) == CONNECTION && b == 0 && !begun);
		gave_up = 1;
		return 0;
	case SYS_ppoll:
		return attends ? waits_for_container((struct polled *)a, b)
			       : waits_for_answer((const struct polled *)a, (const u64 *)c);
	case SYS_mmap:
		CHECK(begun && a == (u64)our_arena);
		return rarely(32) ? -ENOMEM : (i64)a;
	case SYS_read:
		return kind_of(a) == BODY ? reads_batch((char *)b, c) : reads_stream(a, (unsigned char *)b, c);
	case SYS_write:
		return writes(a, (const char *)b, c);
	case SYS_pidfd_open:
		return opens_pidfd(a);
	case SYS_rt_sigaction:
		CHECK(begun && in_message && !answered && !skips && a >= 1 && a <= LAST_CAUGHT);
		return 0;
	default:
		return about_wait(nr, args);
	}
}

__attribute__((noreturn)) static void quit(int status)
{
	CHECK(begun);
	/* Either it has said why, or nothing is left to do. */
	if (said_that_it_ended)
		CHECK(status == 1);
	else
		CHECK(has_attended ? status == exit_status : status == 1);
	longjmp(quitted, 1);
}

/* The engine has given the command back, or has left the rest to the client, or never took it. */
static void check_end(char **argv, char **before)
{
	const struct message *m = message();
	int given_back = begun && in_message && fits(m) && is_for_client(m) && m->count == 1 && m->calls[0].nr == GO_COLD;

	CHECK(!said_that_it_ended);
	CHECK(!begun || given_back || left);
	if (argv != before) {
		CHECK(left_of_command.size > 0 && has_attended && argv[0] == left_of_command.words);
		for (; *argv; argv++)
			CHECK(*argv < left_of_command.words + left_of_command.size);
	}
	for (u32 fd = 0; fd < DESCRIPTORS; fd++)
		CHECK(table[fd].kind != CONNECTION && table[fd].kind != BODY);
}

static void begin(void)
{
	memset(table, 0, sizeof table);
	memset(our_arena, 0, HALF);
	memset(our_arena + HALF, 0, 4096);
	memset(&left_of_command, 0, sizeof left_of_command);
	memset(&left_of_rest, 0, sizeof left_of_rest);
	memset((char *)caught, 0, sizeof caught);
	for (u32 fd = 0; fd < 3; fd++)
		table[fd].kind = CALLERS;
	attends = has_attended = is_wait_refused = left = said_that_it_ended = in_call = interrupted = 0;
	exit_status = 0;
	begin_asking();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static char run_line[] = "runchart\0run\0c1", state_line[] = "runchart\0state\0c1", variables[] = "A=b\0C=d";
	if (size == 0)
		return 0;
	how = data[0];
	input = input_end = data;
	begin();
	begin_input(data, size);
	input++;
	char *line = how & MAKES_PROCESS ? run_line : state_line;
	char *command = line + 9;
	char *words[] = {line, command, command + strlen(command) + 1, 0}, *envp[] = {variables, variables + 4, 0};
	char **argv = words;
	struct stage stage;
	if (setjmp(quitted) == 0) {
		ask_server(&argv, envp, command, "/lib/", &stage);
		check_end(argv, words);
	}
	return 0;
}
