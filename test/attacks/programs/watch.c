/*
 * watch TOLD READY [trace]: in a container, reaches for each process that appears in its pid namespace: what its links
 * in procfs lead to, its memory, its descriptors, or by ptrace(2). Adds a line to TOLD for each success: "WHAT PID
 * CAPPRM DETAIL", the set as it was afterwards. READY is there once it has begun.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each later process has one of the next numbers. */
enum { AHEAD = 8, LOOKS = 200 };

static FILE *told;

static unsigned long long permitted(int pid) {
  char path[64], text[4096];
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  text[n > 0 ? n : 0] = 0;
  char *at = strstr(text, "CapPrm:");
  return at ? strtoull(at + 7, 0, 16) : 0;
}

static void tell(const char *what, int pid, const char *detail) {
  fprintf(told, "%s %d %016llx %s\n", what, pid, permitted(pid), detail);
}

static const char *target(const char *path) {
  static char text[300];
  ssize_t n = readlink(path, text, sizeof text - 1);
  text[n > 0 ? n : 0] = 0;
  return text;
}

/* A link of procfs, followed: whether that leads to where this process's own does. */
static void follow(int pid, const char *name) {
  char path[64], own[64];
  struct stat theirs, ours;
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  snprintf(own, sizeof own, "/proc/self/%s", name);
  int fd = open(path, O_PATH);
  if (fd < 0) return;
  int known = fstat(fd, &theirs) == 0 && stat(own, &ours) == 0;
  int same = known && theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
  close(fd);
  tell(name, pid, same ? "own" : target(path));
}

static void open_file(int pid, const char *name, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int fd = open(path, flags);
  if (fd < 0) return;
  close(fd);
  tell(name, pid, "-");
}

/* Whether the way up from a directory ends elsewhere than at this process's own root. */
static int leads_out(const char *directory) {
  char path[500];
  struct stat top, own;
  snprintf(path, sizeof path, "%s/../../../../../../../../../../../..", directory);
  return stat(path, &top) == 0 && stat("/", &own) == 0 && (top.st_dev != own.st_dev || top.st_ino != own.st_ino);
}

static void list_descriptors(int pid) {
  char path[64], one[400], what[300];
  snprintf(path, sizeof path, "/proc/%d/fd", pid);
  DIR *all = opendir(path);
  for (struct dirent *entry; all && (entry = readdir(all));) {
    if (entry->d_name[0] == '.') continue;
    snprintf(one, sizeof one, "%s/%s", path, entry->d_name);
    if (!*target(one)) continue;
    snprintf(what, sizeof what, "%s%s", leads_out(one) ? "way-out-by-fd" : "fd", entry->d_name);
    tell(what, pid, target(one));
  }
  if (all) closedir(all);
}

static int seize(int pid) {
  int status;
  if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0) return 0;
  ptrace(PTRACE_INTERRUPT, pid, 0, 0);
  waitpid(pid, &status, __WALL);
  tell("ptrace", pid, "-");
  list_descriptors(pid);
  ptrace(PTRACE_DETACH, pid, 0, 0);
  return 1;
}

static void reach(int pid) {
  for (int i = 0; i < LOOKS; i++) {
    follow(pid, "root");
    follow(pid, "cwd");
    open_file(pid, "mem", O_RDWR);
    list_descriptors(pid);
    open_file(pid, "environ", O_RDONLY);
    open_file(pid, "maps", O_RDONLY);
  }
}

static int is_there(int pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  return access(path, F_OK) == 0;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  int traces = argc > 3;
  told = fopen(argv[1], "a");
  if (!told || close(open(argv[2], O_WRONLY | O_CREAT, 0644)) < 0) return 1;
  setlinebuf(told);
  for (int next = getpid() + 1;;)
    for (int pid = next; pid < next + AHEAD; pid++) {
      if (traces ? !seize(pid) : !is_there(pid)) continue;
      if (!traces) reach(pid);
      next = pid + 1;
      break;
    }
}
