/* Stands in for the engine in tests of the launcher: prints, one a line, what it was handed. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <fcntl.h>

extern char **environ;

int main(int argc, char **argv) {
  for (int i = 0; i < argc; i++) printf("arg %s\n", argv[i]);
  for (char **variable = environ; *variable; variable++) printf("env %s\n", *variable);
  char path[4096];
  printf("cwd %s\n", getcwd(path, sizeof path));
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  for (int signal = 1; signal < 65; signal++) {
    struct sigaction action;
    if (sigismember(&mask, signal) == 1) printf("blocked %d\n", signal);
    if (sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN) printf("ignored %d\n", signal);
  }
  for (int fd = 0; fd < 64; fd++)
    if (fcntl(fd, F_GETFD) >= 0) printf("fd %d\n", fd);
  return 7;
}
