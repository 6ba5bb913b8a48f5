/*
 * stopwatch ERRORS PROGRAM [ARG…]: runs a program once, and prints how long that took, how much processor time it and
 * its children took, and how it ended: `nanoseconds microseconds status`. A large process such as Node takes
 * milliseconds to start another one, which would be counted for every runtime. Standard error goes to the file ERRORS.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static long long micros(struct timeval time) { return time.tv_sec * 1000000ll + time.tv_usec; }

int main(int argc, char **argv) {
  struct rusage usage;
  int status;
  if (argc < 3) return 2;
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  int errors = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (nothing < 0 || errors < 0) return 2;
  long long begin = now();
  pid_t child = vfork();
  if (child == 0) {
    /* The pipe to our parent is not the program's: what it leaves running would hold it. */
    dup2(nothing, 0);
    dup2(nothing, 1);
    dup2(errors, 2);
    execv(argv[2], argv + 2);
    _exit(127);
  }
  if (child < 0 || wait4(child, &status, 0, &usage) != child) return 2;
  long long took = now() - begin;
  printf("%lld %lld %d\n", took, micros(usage.ru_utime) + micros(usage.ru_stime),
         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}
