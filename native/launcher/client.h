/*
 * Asks a resident engine (`runchart serve`) to take the command. Where nobody listens, or nobody takes it up within a
 * few milliseconds, or the engine says that it is not for it, nothing has been done, and the launcher goes on as if
 * there were no server. docs/resident.md has the whole; protocol.h what is said.
 */
#pragma once
#include "../resident/protocol.h"
#include "body.h"
#include "environment.h"
#include "server-socket.h"
#include "stage.h"

enum { SHUT_RD = 0, MSG_DONTWAIT = 0x40, SCM_RIGHTS = 1, F_GETFD = 1, POLLIN = 1 };

/* struct iovec, struct msghdr and struct cmsghdr, as the kernel has them. */
struct piece {
  u64 at, size;
};
struct envelope {
  u64 name, name_size;
  struct piece *pieces;
  u64 count;
  void *control;
  u64 control_size, flags;
};
struct rights {
  u64 size;
  u32 level, type;
  u32 fds[DESCRIPTORS_ALWAYS + DESCRIPTORS_OF_STAGE + MOST_PRESERVED];
};

/* The commands that are worth it. What an engine thinks of one is the engine's own affair. */
static int is_worth_asking(const char *command) {
  static const char *const names[] = {"state", "create", "start", "delete", "kill", "exec",
                                      "run",   "pause",  "resume", "list",  "ps",   "update", "finish"};
  for (u64 i = 0; command && i < sizeof names / sizeof *names; i++)
    if (is_flag(command, names[i]) == 1) return 1;
  return 0;
}

static u32 number_in(const char *text) {
  u32 n = 0;
  while (*text >= '0' && *text <= '9' && n < 1000000) n = n * 10 + (u32)(*text++ - '0');
  return n;
}

/*
 * How many descriptors from 3 on may be meant to be passed on. It is a guess, which may be too high: words that look
 * like our flag may be another program's.
 */
static u32 preserved_descriptors(char **argv, char **envp) {
  u32 listening = 0, preserved = 0;
  for (; *envp; envp++)
    if (starts_with(*envp, "LISTEN_FDS=")) listening = number_in(*envp + sizeof "LISTEN_FDS=" - 1);
  for (; *argv; argv++) {
    int flag = is_flag(*argv, "preserve-fds");
    const char *value = flag == 2 ? *argv : flag == 1 ? argv[1] : 0;
    if (flag == 2)
      while (*value++ != '=') {}
    u32 n = value ? number_in(value) : 0;
    if (n > preserved) preserved = n;
  }
  return listening + preserved;
}

/* Whether the caller has them all. Our connection may have taken the number of one that it lacks. */
static int are_open(u32 count, u32 connection) {
  for (u32 i = 0; i < count; i++)
    if (3 + i == connection || syscall6(SYS_fcntl, 3 + i, F_GETFD, 0, 0, 0, 0) < 0) return 0;
  return 1;
}

/* Sends the request in one piece, with its descriptors. @returns whether the engine can read it */
static int send_request(struct request *request, char **argv, char **envp, const char *cwd, const u32 *fds, u64 n) {
  struct rights rights = {.size = 16 + 4 * n, .level = SOL_SOCKET, .type = SCM_RIGHTS};
  for (volatile u64 i = 0; i < n; i++) rights.fds[i] = fds[i];
  struct piece pieces[] = {{(u64)request, sizeof *request},
                           {(u64)*argv, request->argv_bytes},
                           {(u64)*envp, request->env_bytes},
                           {(u64)cwd, request->cwd_bytes}};
  struct envelope envelope = {
      .pieces = pieces, .count = 4, .control = &rights, .control_size = (rights.size + 7) & ~7ul};
  return syscall6(SYS_sendmsg, request->connection, (u64)&envelope, MSG_NOSIGNAL, 0, 0, 0) == (i64)request->size;
}

/* @returns the engine's answer, if it is there; 0 if not */
static char answer_now(u32 connection) {
  char answer = 0;
  if (syscall6(SYS_recvfrom, connection, (u64)&answer, 1, MSG_DONTWAIT, 0, 0) != 1) return 0;
  return answer;
}

/*
 * Waits for the engine's answer. If none comes in time, the engine must not begin any more. Once we have shut this
 * direction, its BEGUN can no longer be sent; one that was sent before is there.
 */
static char await_answer(u32 connection) {
  struct {
    u32 fd;
    short events, happened;
  } awaited = {connection, POLLIN, 0};
  u64 patience[2] = {0, PATIENCE_MS * 1000000ul};
  if (syscall6(SYS_ppoll, (u64)&awaited, 1, (u64)patience, 0, 0, 0) <= 0)
    syscall6(SYS_shutdown, connection, SHUT_RD, 0, 0, 0, 0);
  return answer_now(connection);
}

__attribute__((noreturn)) static void server_ended(void) {
  static const char line[] = "runchart: the resident server ended while it worked on this command: look at what is "
                             "left with `runchart list`, and remove it with `runchart delete --force`\n";
  syscall6(SYS_write, 2, (u64)line, sizeof line - 1, 0, 0, 0);
  quit(1);
}

/* The client's side of one request. */
struct asking {
  struct request request;
  struct stage *stage;
  int makes_process;
  int started;    /* the stage is there */
  int stage_ends[2];
};

/* Sends the request and starts the stage. @returns whether an engine may have taken it */
static int ask(struct asking *a, char **argv, char **envp, const char *cwd, const int *body) {
  struct request *request = &a->request;
  u32 fds[DESCRIPTORS_ALWAYS + DESCRIPTORS_OF_STAGE + MOST_PRESERVED], n = 0;
  fds[n++] = (u32)body[1];
  for (u32 i = 0; i < 3; i++) fds[n++] = i;
  if (a->makes_process && make_stage_sockets(a->stage, a->stage_ends)) {
    request->flags |= STAGED;
    fds[n++] = (u32)a->stage->socket;
    fds[n++] = (u32)a->stage->channel;
  }
  for (u32 i = 0; i < request->preserved; i++) fds[n++] = 3 + i;
  int sent = send_request(request, argv, envp, cwd, fds, n);
  if (!(request->flags & STAGED)) return sent;
  /* The engine looks at us meanwhile. */
  a->started = fork_stage(a->stage, a->stage_ends);
  u32 pid = a->started ? (u32)a->stage->pid : 0;
  if (sent) syscall6(SYS_sendto, request->connection, (u64)&pid, sizeof pid, MSG_NOSIGNAL, 0, 0);
  return sent;
}

/* Describes the command. @returns 0 where it cannot be left to somebody else */
static int describe(struct request *request, char **argv, char **envp, char *cwd) {
  u64 argv_bytes = size_of(argv), env_bytes = size_of(envp);
  request->preserved = preserved_descriptors(argv, envp);
  const u64 room = LARGEST_REQUEST - sizeof *request - DIRECTORY_SIZE;
  if (request->preserved > MOST_PRESERVED || argv_bytes + env_bytes > room) return 0;
  if (!are_open(request->preserved, request->connection)) return 0;
  long cwd_size = syscall6(SYS_getcwd, (u64)cwd, DIRECTORY_SIZE, 0, 0, 0, 0);
  if (cwd_size <= 0) return 0;
  request->magic = REQUEST_MAGIC;
  request->argv_bytes = (u32)argv_bytes;
  request->env_bytes = (u32)env_bytes;
  request->cwd_bytes = (u32)cwd_size - 1;
  request->size = (u32)(sizeof *request + argv_bytes + env_bytes) + request->cwd_bytes;
  request->pid = (u32)syscall6(SYS_getpid, 0, 0, 0, 0, 0, 0);
  return 1;
}

/* Makes a command line of words. */
static char **line_of(struct next *next) {
  static char *argv[32];
  u64 n = 0;
  for (u64 at = 0; at < next->size && n < 31; at++) {
    argv[n++] = next->words + at;
    while (next->words[at]) at++;
  }
  argv[n] = 0;
  return argv;
}

/* @returns how the engine's part ended; COLD where no engine took part */
static enum service served(struct asking *a, char **argv, char **envp, const char *folder, struct next *next) {
  static char cwd[DIRECTORY_SIZE];
  int body[2] = {-1, -1};
  long connection = connect_to_server(folder);
  if (connection < 0) return COLD;
  enum service service = COLD;
  a->request.connection = (u32)connection;
  /* It has the lowest number that is free. Where that is a standard stream's, the container would get it as such. */
  if (connection > 2 && describe(&a->request, argv, envp, cwd) &&
      syscall6(SYS_socketpair, AF_UNIX, SOCK_STREAM_CLOEXEC, 0, (u64)body, 0, 0) == 0) {
    a->request.body = (u32)body[0];
    int asked = ask(a, argv, envp, cwd, body);
    close_fd(body[1]);
    if (asked && await_answer((u32)connection) == BEGUN) {
      service = serve_engine(&a->request, next);
      if (service == LOST) server_ended();
    }
    close_fd(body[0]);
  }
  close_fd(connection);
  return service;
}

/* What engines have left to do, of the command and of the line that was left of it. */
static struct next left_of_command, left_of_rest;

/*
 * Has a resident engine perform the command, if there is one.
 * @param argv the command line; where an engine has done a part, the line of what is left
 * @param envp as the kernel gave it
 * @param stage is started where the command makes a process and a server was asked
 * @returns whether a stage has been started; only where something is still to be performed
 */
static int ask_server(char ***argv, char **envp, const char *command, const char *folder, struct stage *stage) {
  if (!is_worth_asking(command) || syscall6(SYS_geteuid, 0, 0, 0, 0, 0, 0) != 0) return 0;
  struct asking asking = {.stage = stage, .makes_process = makes_process(command)};
  if (served(&asking, *argv, envp, folder, &left_of_command) == COLD) return asking.started;
  *argv = line_of(&left_of_command);
  struct asking again = {.stage = stage};
  served(&again, *argv, envp, folder, &left_of_rest);
  return 0;
}
