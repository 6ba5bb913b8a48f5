/*
 * native/init/init.c under libFuzzer: the shipped source, with a kernel of ours in the place of syscall6().
 *
 * An input holds what comes over one connection after the other: for each its length in two bytes, then its bytes. Our
 * kernel compares each call that reaches it with the message in the arena, by rules of its own, and each answer with
 * the calls. The input also decides what the kernel answers, and where reads and writes fall short.
 */
#include <freestanding.h>

static i64 kernel(i64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
#define syscall6 kernel
#undef ENTRY
#define ENTRY(entry) _Static_assert(1, "")
#include <init/init.c>
#undef syscall6

#include <stdlib.h>
#include <string.h>
#include "input.h"

/* The arena is small, so that the fuzzer soon finds messages that do not fit. */
enum { HALF = 2048, ECONNREFUSED = 111, EBADF = 9, ENOSYS = 38 };

static char *arena;

/*
 * The socket that is served; -1 while none is. No input can guess the numbers of our sockets; the input says the number
 * of a child's.
 */
static i64 socket_now;
static u64 sockets_made;
static int is_socket_ours;

/* Of the message that is served: the calls performed, their results, whether it made a child, the bytes answered. */
static u64 performed;
static i64 results_of[HALF / 8];
static int is_child, in_message, was_stopped, skips, send_ended;
static u64 answered;

/* The init was told to wait for connections; and none can come any more. */
static int waits, accept_failed;

/* Whose connections are to be served; and whether the one that is there is somebody else's. */
static u64 owner;
static int is_stranger;

static i64 new_socket(void)
{
	is_socket_ours = 1;
	return socket_now = (i64)(u64)arena + (i64)sockets_made++;
}

/* libFuzzer learns from comparisons which numbers matter. It shall not learn addresses from these. */
#define UNSEEN __attribute__((no_sanitize("coverage")))

UNSEEN static int on_stack(u64 at)
{
	u64 here = (u64)__builtin_frame_address(0);
	return at >= here && at < here + 4096;
}

UNSEEN static int in_arena(u64 at, u64 offset) { return at >= (u64)arena + offset && at < (u64)arena + offset + HALF; }

static const struct message *message(void) { return (const struct message *)arena; }

/* It divides and subtracts where init.c multiplies and adds, so that both are not wrong alike. */
static int fits(const struct message *m)
{
	if (m->size < 16 || m->size > HALF)
		return 0;
	if ((m->size - 16) / 56 < m->count)
		return 0;
	if ((HALF - 8) / 8 < m->count)
		return 0;
	return HALF - 8 - 8 * m->count >= m->out_bytes;
}

static int is_accept(const struct call *call) { return (call->flags >> 10 & 1) != 0; }

static i64 some_result(u64 nr)
{
	if (nr > 0x7fffffff)
		return -ENOSYS; /* no kernel has such a call, so with one of these an input stops a batch for sure */
	switch (random_below(8)) {
	case 0:
		return nr == SYS_openat2 ? -EAGAIN : -EBADF;
	case 1:
		return 0;
	case 2:
		return -(i64)random_below(5000);
	case 3:
		return (i64)(chance * chance);
	default:
		return (i64)random_below(100);
	}
}

/* Performs a call that a message asks for. */
static i64 asked_for(i64 nr, const u64 args[6])
{
	const struct message *m = message();
	const struct call *call = &m->calls[performed];

	CHECK(in_message && !answered && !is_child && !skips && fits(m) && performed < m->count);
	CHECK(performed == 0 || !was_stopped);
	CHECK((u32)nr == call->nr && call->flags < 2048 && !is_accept(call));
	for (int i = 0; i < 6; i++) {
		if (!(call->flags >> i & 1)) {
			CHECK(args[i] == call->args[i]);
			continue;
		}
		CHECK(call->args[i] < performed);
		CHECK(args[i] == (u64)results_of[call->args[i]]);
	}
	i64 r = some_result((u64)nr);
	static int tries;
	if (nr == SYS_openat2 && r == -EAGAIN && ++tries < 128)
		return r; /* the init is to ask again: it is not performed yet */
	tries = 0;
	results_of[performed++] = r;
	was_stopped = r < 0 && r >= -4095 && !(call->flags & 256);
	if (call->flags & 512) {
		CHECK(nr == 435);
		is_child = r == 0;
	}
	return r;
}

static i64 reads(char *to, u64 size)
{
	const struct message *m = message();

	CHECK(in_arena((u64)to, 0) && size <= HALF - (u64)(to - arena));
	if (to == arena && size == 16) { /* the next message begins: the one before it was answered, or was malformed */
		in_message = is_child = 0;
	} else if (!in_message && to == arena + 16)
		CHECK(fits(m) && size == m->size - 16);
	if (bytes_left == 0)
		return 0;
	if (random_below(16) == 0)
		return -EINTR;
	u64 n = size < bytes_left ? size : bytes_left;
	if (n > 1 && random_below(4) == 0)
		n = 1 + random_below(n);
	memcpy(to, bytes, n);
	bytes += n;
	bytes_left -= n;
	if (fits(m) && to + n == arena + m->size) {
		in_message = 1;
		performed = answered = send_ended = 0;
		skips = was_stopped && m->after;
		if (!skips)
			was_stopped = 0;
	}
	return (i64)n;
}

static i64 sends(const char *from, u64 size)
{
	const struct message *m = message();
	const u64 *done = (const u64 *)(arena + HALF);
	u64 whole = 8 + 8ul * m->count + m->out_bytes;

	CHECK(in_message && !is_child && fits(m));
	CHECK((u64)(from - arena) == HALF + answered && size == whole - answered);
	CHECK(*done == (skips ? ~0ul : performed));
	CHECK(memcmp(done + 1, results_of, 8 * performed) == 0);
	for (u64 i = 8 + 8ul * m->count; i < whole; i++)
		CHECK(((const char *)done)[i] == 0);
	if (!skips && !was_stopped && performed < m->count)
		CHECK(performed + 1 == m->count && is_accept(&m->calls[performed]));
	if (random_below(16) == 0)
		return -EINTR;
	u64 n = random_below(4) ? size : 1 + random_below(size);
	send_ended = n == size || random_below(16) == 0;
	if (send_ended && n < size)
		return -ECONNABORTED;
	answered += n;
	return (i64)n;
}

static i64 accepts(u64 uid)
{
	waits = 1;
	owner = uid;
	if (input_end - input < 2) {
		accept_failed = 1;
		return -ECONNREFUSED;
	}
	static const i64 passing[] = {-EINTR, -ECONNABORTED, -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS};
	if (random_below(8) == 0)
		return passing[random_below(sizeof passing / sizeof *passing)];
	begin_piece();
	in_message = was_stopped = 0;
	is_stranger = 1; /* until the init has asked who it is */
	return new_socket();
}

/* struct ucred of the peer: mostly the owner. A uid of more than 32 bits is nobody's. */
static i64 tells_peer(u32 *peer)
{
	is_stranger = owner > ~0u || random_below(8) == 0;
	peer[1] = (u32)owner + (owner <= ~0u && is_stranger);
	if (random_below(16))
		return 0;
	is_stranger = 1;
	return -EBADF;
}

UNSEEN static i64 kernel(i64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	const u64 args[6] = {a, b, c, d, e, f};

	/* No input can name an address in the arena, so these calls are the init's own. */
	if (nr == SYS_read && in_arena(b, 0)) {
		if (is_child) { /* it serves on the socket that it was told */
			socket_now = (i64)a;
			is_child = is_socket_ours = waits = is_stranger = 0;
			in_message = was_stopped = 0;
			begin_piece();
		}
		CHECK((i64)a == socket_now && !is_stranger);
		return reads((char *)b, c);
	}
	if (nr == SYS_sendto && in_arena(b, HALF)) {
		CHECK((i64)a == socket_now);
		return sends((const char *)b, c);
	}
	if (nr == SYS_rt_sigaction && (on_stack(b) || on_stack(c)))
		return 0;
	if (nr == SYS_getsockopt && on_stack(d)) {
		CHECK((i64)a == socket_now && waits && b == 1 && c == 17);
		return tells_peer((u32 *)d);
	}
	if (nr == SYS_nanosleep && on_stack(a)) {
		CHECK(waits && socket_now < 0);
		return 0;
	}
	if (nr == SYS_close && (i64)a == socket_now && (is_socket_ours || is_child || send_ended)) {
		socket_now = -1;
		return 0;
	}
	if (nr == SYS_accept4 && socket_now < 0)
		return accepts(e);
	return asked_for(nr, args);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	arena = calloc(2, HALF);
	begin_input(data, size);
	performed = answered = sockets_made = 0;
	is_child = send_ended = in_message = was_stopped = skips = waits = accept_failed = is_stranger = 0;
	begin_piece();
	serve(new_socket(), arena, HALF);
	/* An init with an owner who may still come goes on waiting. */
	CHECK(!waits || accept_failed || is_child);
	free(arena);
	return 0;
}
