/*
 * odd-caller WHAT PROGRAM [ARG…]: executes a program after one change to this process that execve keeps, and that no
 * common tool makes. A keyring gets the name in the variable ODD.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int under_filter(void) {
  struct sock_filter allow_all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {1, allow_all};
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static int with_own_keyring(void) {
  return (int)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, getenv("ODD"), 0, 0, 0);
}

static int with_signals(void) {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigaddset(&blocked, SIGCHLD);
  if (signal(SIGHUP, SIG_IGN) == SIG_ERR || signal(SIGTERM, SIG_IGN) == SIG_ERR) return -1;
  return sigprocmask(SIG_BLOCK, &blocked, NULL);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  int done = -1;
  errno = EINVAL;
  if (!strcmp(argv[1], "seccomp")) done = under_filter();
  if (!strcmp(argv[1], "keyring")) done = with_own_keyring();
  if (!strcmp(argv[1], "signals")) done = with_signals();
  if (!strcmp(argv[1], "timer-slack")) done = prctl(PR_SET_TIMERSLACK, 123456, 0, 0, 0);
  if (done >= 0) execv(argv[2], argv + 2);
  perror(argv[0]);
  return 126;
}
