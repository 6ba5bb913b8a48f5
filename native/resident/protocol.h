/*
 * What the launcher (the client) and a resident engine say to each other. protocol.ts has the same, for the engine;
 * test/native/resident/protocol.test.ts compares the two.
 *
 * There are two sockets. By the connection the client sends its request, and the engine answers with one letter. By the
 * body's socket, whose other end comes along with the request, the engine then sends batches (../init/batches.h).
 */
#pragma once
#include "../freestanding.h"

/* The request: this header; argv and the environment, each word with its NUL; the current directory, without one. */
enum { REQUEST_MAGIC = 0x31524352 }; /* RCR1: the digit is the version */
struct request {
  u32 magic;
  u32 size; /* of the whole, this header included */
  u32 argv_bytes;
  u32 env_bytes;
  u32 cwd_bytes;
  u32 flags;
  u32 preserved;  /* how many descriptors from 3 on come along */
  u32 body;       /* the client's number of its end of the body's socket */
  u32 connection; /* … and of the connection */
  u32 pid;        /* the client's own, as it sees it */
};
enum { STAGED = 1 }; /* the two ends of a stage come along, and then its pid in four bytes: 0 where there is none */
enum { LARGEST_REQUEST = 128 << 10, MOST_PRESERVED = 20 };

/*
 * The descriptors of a request, in this order: the body's socket, standard input, output and error, the stage's socket
 * and channel (if STAGED), the preserved ones.
 */
enum { DESCRIPTORS_ALWAYS = 4, DESCRIPTORS_OF_STAGE = 2 };

/* The answer. The client waits so long for it. */
enum { BEGUN = 'B', NOT_SERVED = 'N', PATIENCE_MS = 5 };

/* Calls that are none of the kernel's, in batches for the client. */
enum {
  SPAWN = 0x10000,  /* start a stage; argument 0: where its two ends go. It returns the stage's pid */
  GO_COLD = 0x10001, /* nothing has been done: the client executes the engine itself */
  ATTEND = 0x10002, /* the long wait: attend.h */
  CATCH_SIGNALS = 0x10003, /* a set of signals, and how: signals.h */
  CAUGHT_SIGNALS = 0x10004, /* a set of signals; it returns those that have come */
  REAP_ORPHANS = 0x10005, /* reap all children that have ended */
};

/* Below the socket's directory. A symlink of that name beside the launcher leads to another directory. */
#define RESIDENT_DIRECTORY "/run/runchart-resident"
#define RESIDENT_LINK "runchart-resident"
#define RESIDENT_SOCKET "/socket"
