/*
 * Runs in a container with CAP_SYS_PTRACE. It seizes each process that appears in its pid namespace, stops it, and
 * watches its capabilities. For each new set of a process, it writes a line "PID EXE CAPPRM" to the file argv[1]. It
 * begins when the file argv[2] exists.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each later process has one of the next numbers. */
enum { AHEAD = 8, LOOKS = 20000 };

static unsigned long long permitted(int pid) {
  char path[64], text[4096];
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return ~0ull;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return ~0ull;
  text[n] = 0;
  char *at = strstr(text, "CapPrm:");
  return at ? strtoull(at + 7, 0, 16) : ~0ull;
}

static void tell(int out, int pid, unsigned long long set) {
  char path[64], exe[256], line[400];
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  ssize_t n = readlink(path, exe, sizeof exe - 1);
  exe[n < 0 ? 0 : n] = 0;
  for (char *c = exe; *c; c++)
    if (*c == ' ') *c = '_';
  int length = snprintf(line, sizeof line, "%d %s %016llx\n", pid, n <= 0 ? "-" : exe, set);
  if (write(out, line, (size_t)length) != length) exit(1);
}

static void watch(int out, int pid) {
  int status;
  ptrace(PTRACE_INTERRUPT, pid, 0, 0);
  waitpid(pid, &status, __WALL);
  unsigned long long last = permitted(pid);
  if (last != ~0ull) tell(out, pid, last);
  ptrace(PTRACE_DETACH, pid, 0, 0);
  for (int i = 0; i < LOOKS; i++) {
    unsigned long long set = permitted(pid);
    if (set == ~0ull) return;
    if (set != last) tell(out, pid, last = set);
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  int out = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (out < 0 || close(open(argv[2], O_WRONLY | O_CREAT, 0644)) < 0) return 1;
  for (int next = getpid() + 1;;)
    for (int pid = next; pid < next + AHEAD; pid++)
      if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
        watch(out, pid);
        next = pid + 1;
        break;
      }
}
