/* Stands in for the engine in tests of the launcher: prints, one a line, what it was handed. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern char **environ;

/* Prints a file of /proc, or those of its lines that begin with `prefix`. */
static void print_file(int pid, const char *name, const char *prefix) {
  char path[64], text[8192];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  FILE *file = fopen(path, "r");
  size_t size = file ? fread(text, 1, sizeof text - 1, file) : 0;
  text[size] = 0;
  if (file) fclose(file);
  if (!prefix) {
    for (size_t i = 0; i < size; i++)
      if (!text[i]) text[i] = ' ';
    printf("stage %s %s\n", name, text);
  } else
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
      if (!strncmp(line, prefix, strlen(prefix)))
        printf("stage %s %lx\n", prefix, strtoul(line + strlen(prefix), NULL, 16));
}

/* R, S, …; 0 for a process that is not there. */
static char state_of(int pid) {
  char path[64], state = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 0;
  if (file) fclose(file);
  return state;
}

/* What the stage is, once it has executed its program and waits: the program is there before its arguments are. */
static void print_stage(int pid) {
  char path[64], exe[256];
  ssize_t length = 0;
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  for (int tries = 0; tries < 5000; tries++, usleep(1000)) {
    length = readlink(path, exe, sizeof exe - 1);
    if (length > 0 && !strncmp(exe, "/memfd:", 7) && state_of(pid) == 'S') break;
  }
  printf("stage exe %.*s\n", (int)length, exe);
  print_file(pid, "cmdline", NULL);
  print_file(pid, "environ", NULL);
  print_file(pid, "status", "SigBlk:");
  print_file(pid, "status", "SigIgn:");
  for (int fd = 0; fd < 1024; fd++) {
    snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
    if (readlink(path, exe, sizeof exe) > 0) printf("stage fd %d\n", fd);
  }
}

/* How much of the executable is in memory, in percent. */
static void print_cached(void) {
  static unsigned char pages[1 << 16];
  int file = open("/proc/self/exe", O_RDONLY), cached = 0;
  size_t size = (size_t)lseek(file, 0, SEEK_END), count = (size + 4095) / 4096;
  void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
  if (mincore(map, size, pages) == 0)
    for (size_t i = 0; i < count; i++) cached += pages[i] & 1;
  printf("cached %zu\n", (size_t)cached * 100 / count);
  munmap(map, size);
  close(file);
}

/* The caller's environment, as the launcher kept it. */
static void print_environment_file(void) {
  const char *told = getenv("RUNCHART_ENVIRONMENT");
  int fd = told ? atoi(told) : -1;
  if (fd < 0) return;
  off_t size = lseek(fd, 0, SEEK_END);
  char *text = size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0) : NULL;
  for (off_t at = 0; at < size; at += (off_t)strlen(text + at) + 1) printf("all %s\n", text + at);
}

int main(int argc, char **argv) {
  print_cached();
  for (int i = 0; i < argc; i++) printf("arg %s\n", argv[i]);
  for (char **variable = environ; *variable; variable++) printf("env %s\n", *variable);
  print_environment_file();
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
  if (getenv("RUNCHART_STAGE") && geteuid() == 0) print_stage(atoi(getenv("RUNCHART_STAGE")));
  return 7;
}
