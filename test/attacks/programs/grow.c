/*
 * grow SEED DIRECTORY…: in a container that may write to its cgroups, makes, renames, removes and enters cgroups below
 * each of these, deep ones with the longest names, and wide ones; freezes what it can, itself too. Goes on until it is
 * ended.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEEPEST = 40, WIDEST = 60, PEOPLE = 12, LONGEST = 255 };

static void put(const char *file, const char *text) {
  int fd = open(file, O_WRONLY);
  if (fd < 0) return;
  if (write(fd, text, strlen(text)) < 0) { /* As it likes. */ }
  close(fd);
}

static char *name(int long_one) {
  static char text[LONGEST + 1];
  int size = long_one ? LONGEST : 1 + rand() % 20;
  memset(text, 'a' + rand() % 3, (size_t)size);
  text[size] = 0;
  return text;
}

static void child_enters(void) {
  static int people;
  if (people >= PEOPLE) return;
  int pid = fork();
  if (pid != 0) {
    people++;
    return;
  }
  char self[16];
  snprintf(self, sizeof self, "%d", getpid());
  put("cgroup.procs", self);
  put("freezer.state", rand() % 2 ? "FROZEN" : "THAWED");
  for (;;) pause();
}

static void step(void) {
  char other[LONGEST + 1];
  switch (rand() % 12) {
  case 0: child_enters(); break;
  case 1: put("freezer.state", "FROZEN"); break;
  case 2: put("cgroup.freeze", "1"); break;
  case 3:
    strcpy(other, name(0));
    rename(other, name(0));
    break;
  case 4: rmdir(name(rand() % 2)); break;
  case 5: put("cgroup.procs", "0"); break;
  case 6: put("cgroup.max.depth", "0"); break;
  case 7: put("cgroup.max.descendants", "0"); break;
  case 8: put("cgroup.type", "threaded"); break;
  case 9: chmod(".", rand() % 2 ? 0 : 0755); break;
  default: mkdir(name(rand() % 2), 0755);
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  srand((unsigned)atoi(argv[1]));
  signal(SIGTERM, SIG_IGN);
  signal(SIGCHLD, SIG_IGN);
  for (;;) {
    if (chdir(argv[2 + rand() % (argc - 2)]) < 0) continue;
    for (int i = rand() % WIDEST; i > 0; i--) step();
    for (int i = rand() % DEEPEST; i > 0; i--) {
      char *deeper = name(1);
      mkdir(deeper, 0755);
      if (chdir(deeper) < 0) break;
      if (rand() % 4 == 0) step();
    }
    for (int i = rand() % 5; i > 0; i--) step();
    usleep(1000);
  }
}
