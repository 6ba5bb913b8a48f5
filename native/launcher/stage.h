/*
 * Starts the stage (effects/init/clone.ts) for a command that makes a process. It comes up on another processor while
 * the engine does. The engine passes it descriptors, and tells it what to perform. Until then it has its two sockets
 * and nothing else. It ends when the engine ends, or closes the sockets.
 *
 * If anything fails here, that is no error: the engine starts a stage itself then, and says what is wrong.
 */
#pragma once
#include "../freestanding.h"

enum { F_DUPFD = 0, F_ADD_SEALS = 1033, ALL_SEALS = 0xf, MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2, MFD_EXEC = 16 };
enum { AF_UNIX = 1, SOCK_STREAM_CLOEXEC = 0x80001, CLOSE_RANGE_CLOEXEC = 4, AT_EMPTY_PATH = 0x1000, EINVAL = 22 };
enum { SIGCHLD = 17, LAST_SIGNAL = 64, SIG_SETMASK = 2, RLIMIT_NOFILE = 7 };

/* In the stage: batches come by one, descriptors by the other. native/stage/launched.ts has the same numbers. */
enum { STAGE_SOCKET = 30, STAGE_CHANNEL = 31 };
/* Our ends lie above what a caller passes on (--preserve-fds): from 200 on, or the last two below a lower limit. */
enum { OUT_OF_THE_WAY = 200, OUR_ENDS = 2 };

/* The program native/init, which build/launcher.ts has compiled. */
extern const char init_begin[], init_end[];
__asm__(".section .rodata\n.globl init_begin, init_end\ninit_begin: .incbin \"" INIT_PROGRAM "\"\ninit_end:\n.text\n");

/* @returns 1 where a word is that flag (with one dash or two), 2 where it is and has a value behind `=`, else 0 */
static int is_flag(const char *word, const char *name) {
  while (*word == '-') word++;
  for (; *name && *word == *name; word++) name++;
  if (*name) return 0;
  return *word == '=' ? 2 : *word == 0;
}

/* The word that names the command, as far as the launcher understands the line. @param traced becomes 1 by --trace */
static const char *word_of_command(char **argv, int *traced) {
  static const char *const with_value[] = {"root", "log", "log-format", "rootless", "criu", "trace"};
  for (argv++; *argv && **argv == '-'; argv++) {
    if (is_flag(*argv, "trace")) *traced = 1;
    for (u64 i = 0; i < sizeof with_value / sizeof *with_value; i++)
      if (is_flag(*argv, with_value[i]) == 1) {
        if (!*++argv) return 0;
        break;
      }
  }
  return *argv;
}

/* The command. With --trace it is none, since all shall be shown. */
static const char *command_in(char **argv) {
  int traced = 0;
  const char *word = word_of_command(argv, &traced);
  return traced ? 0 : word;
}

/* Whether a command makes a process. It is a guess: the engine parses the line, and some stages are started in vain. */
static int makes_process(const char *command) {
  static const char *const commands[] = {"run", "create", "exec"};
  for (u64 i = 0; command && i < sizeof commands / sizeof *commands; i++)
    if (is_flag(command, commands[i]) == 1) return 1;
  return 0;
}

static long duplicate_from(long fd, u64 lowest) { return syscall6(SYS_fcntl, (u64)fd, F_DUPFD, lowest, 0, 0, 0); }

static long out_of_the_way(long fd) {
  u64 limits[2] = {0, 0};
  long ours = duplicate_from(fd, OUT_OF_THE_WAY);
  if (ours >= 0) return ours;
  syscall6(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (u64)limits, 0, 0);
  /* With a lower limit, the stage could not have its own ends. */
  if (limits[0] <= STAGE_CHANNEL) return ours;
  ours = duplicate_from(fd, limits[0] - OUR_ENDS);
  /* The body of a resident engine's command has several stages at a time, for hooks. */
  return ours >= 0 ? ours : duplicate_from(fd, limits[0] / 2);
}

static void close_fd(long fd) { syscall6(SYS_close, (u64)fd, 0, 0, 0, 0, 0); }

/* Nobody can write to this file, not even by /proc/PID/exe (CVE-2019-5736). */
static long sealed_init(void) {
  u64 flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  u64 size = (u64)(init_end - init_begin);
  long fd = syscall6(SYS_memfd_create, (u64) "runchart-init", flags | MFD_EXEC, 0, 0, 0, 0);
  /* Before Linux 6.3 the kernel does not know MFD_EXEC. */
  if (fd == -EINVAL) fd = syscall6(SYS_memfd_create, (u64) "runchart-init", flags, 0, 0, 0, 0);
  if (syscall6(SYS_write, (u64)fd, (u64)init_begin, size, 0, 0, 0) != (long)size) return -1;
  if (syscall6(SYS_fcntl, (u64)fd, F_ADD_SEALS, ALL_SEALS, 0, 0, 0) < 0) return -1;
  return fd;
}

/* Whatever signals our caller ignores or blocks, the container begins with the defaults. */
static void reset_signals(void) {
  static const u64 no_action[4], no_signal;
  for (u64 signal = 1; signal <= LAST_SIGNAL; signal++)
    syscall6(SYS_rt_sigaction, signal, (u64)no_action, 0, sizeof no_signal, 0, 0);
  syscall6(SYS_rt_sigprocmask, SIG_SETMASK, (u64)&no_signal, 0, sizeof no_signal, 0, 0);
}

__attribute__((noreturn)) static void become_stage(int socket, int channel) {
  static char name[] = "runchart-init", number[] = "30";
  static char *const argv[] = {name, number, 0}, *const envp[] = {0};
  int low = socket < channel ? socket : channel, high = socket < channel ? channel : socket;
  /* This comes before anything is opened: the lowest numbers, which are free then, are none of the stage's own. */
  if (low > 0) syscall6(SYS_close_range, 0, (u64)low - 1, 0, 0, 0, 0);
  syscall6(SYS_close_range, (u64)low + 1, (u64)high - 1, 0, 0, 0, 0);
  syscall6(SYS_close_range, (u64)high + 1, ~0u, 0, 0, 0, 0);
  /* Both are moved away first, since either may have the number that the other one is to get. */
  long from_socket = duplicate_from(socket, 3), from_channel = duplicate_from(channel, 3), program = sealed_init();
  if (program < 0 || syscall6(SYS_dup3, (u64)from_socket, STAGE_SOCKET, 0, 0, 0, 0) < 0 ||
      syscall6(SYS_dup3, (u64)from_channel, STAGE_CHANNEL, 0, 0, 0, 0) < 0)
    quit(125);
  syscall6(SYS_close_range, 3, STAGE_SOCKET - 1, CLOSE_RANGE_CLOEXEC, 0, 0, 0);
  syscall6(SYS_close_range, STAGE_CHANNEL + 1, ~0u, CLOSE_RANGE_CLOEXEC, 0, 0, 0);
  reset_signals();
  syscall6(SYS_execveat, (u64)program, (u64) "", (u64)argv, (u64)envp, AT_EMPTY_PATH, 0);
  quit(125);
}

/* What the engine is told of the stage: its pid, and our ends of its sockets. */
struct stage {
  long pid, socket, channel;
};

/* Makes the sockets of a stage. @param ends its own. @returns 0 where that fails */
static int make_stage_sockets(struct stage *stage, int *ends) {
  int socket[2] = {-1, -1}, channel[2] = {-1, -1};
  if (syscall6(SYS_socketpair, AF_UNIX, SOCK_STREAM_CLOEXEC, 0, (u64)socket, 0, 0) < 0) return 0;
  if (syscall6(SYS_socketpair, AF_UNIX, SOCK_STREAM_CLOEXEC, 0, (u64)channel, 0, 0) < 0) return 0;
  stage->socket = out_of_the_way(socket[0]);
  stage->channel = out_of_the_way(channel[0]);
  close_fd(socket[0]);
  close_fd(channel[0]);
  ends[0] = socket[1];
  ends[1] = channel[1];
  if (stage->socket >= 0 && stage->channel >= 0) return 1;
  close_fd(stage->socket);
  close_fd(stage->channel);
  close_fd(ends[0]);
  close_fd(ends[1]);
  return 0;
}

/*
 * Its ends are closed here. While we held them too, nobody would notice that it is gone.
 * @returns 0 where there is none; our ends are closed then
 */
static int fork_stage(struct stage *stage, const int *ends) {
  stage->pid = syscall6(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
  if (stage->pid == 0) become_stage(ends[0], ends[1]);
  close_fd(ends[0]);
  close_fd(ends[1]);
  if (stage->pid > 0) return 1;
  close_fd(stage->socket);
  close_fd(stage->channel);
  return 0;
}

static int start_stage(struct stage *stage) {
  int ends[2];
  return make_stage_sockets(stage, ends) && fork_stage(stage, ends);
}
