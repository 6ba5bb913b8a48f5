/*
 * dist/runchart: executes the engine that lies beside it, in surroundings that cannot steer it.
 *
 * The engine is Bun with our code linked in. It obeys much of its environment, and no flag of the linker stops it. A
 * tool that runs as root must not do that. So this program decides what the engine gets, before anything of it runs: a
 * few variables by name (environment.h), and no others. All else passes through untouched: argv (argv[0] too),
 * descriptors, limits, the signal mask, and ignored signals (but one).
 */
#include "../freestanding.h"
#include "client.h"
#include "config-size.h"
#include "decimal.h"
#include "environment.h"
#include "memory.h"
#include "page-cache.h"
#include "stage.h"

enum { PATH_SIZE = 4096, ENOENT = 2, PR_SET_THP_DISABLE = 41 };

static const char ENGINE[] = "runchart-engine";

/* Without the JIT a short run is 4 ms faster (docs/performance.md). */
static char without_jit[] = "BUN_JSC_useJIT=0";

/* Nobody shall be sent a report of a crash. */
static char without_reports[] = "BUN_ENABLE_CRASH_REPORTING=0";

/*
 * A heap of huge pages, where the host offers them, saves a `run` or `exec` 1 ms. Some virtual machines give free
 * memory back to their host. They pay 4.4 ms for each huge page that they need again. With a container engine that
 * happens at every fourth `create`, so `create` goes without (docs/performance.md).
 */
static char huge_pages[] = "MIMALLOC_ALLOW_THP=2";

/* The engine raises its soft limit of descriptors before our code runs. The container gets what the caller had. */
static char nofile[] = "RUNCHART_NOFILE=00000000000000000000";

static char cwd_deleted[] = "RUNCHART_CWD_DELETED=1";

/* The descriptor of the file with the caller's environment; or -errno, which a command reports if it needs the file. */
static char environment[] = "RUNCHART_ENVIRONMENT=-0000000000";

/* The stage's pid, and our ends of its socket and of its channel. */
static char stage_started[] = "RUNCHART_STAGE=0000000000:0000000000:0000000000";

static const struct {
  long number;
  const char *name;
} ERRORS[] = {{2, "ENOENT"}, {7, "E2BIG"}, {8, "ENOEXEC"}, {12, "ENOMEM"}, {13, "EACCES"}, {36, "ENAMETOOLONG"}};

static u64 length(const char *text) {
  u64 n = 0;
  while (text[n]) n++;
  return n;
}

static u64 append(char *line, u64 at, const char *text) {
  for (; *text && at < PATH_SIZE + 256; text++) line[at++] = *text;
  return at;
}

__attribute__((noreturn)) static void fail(const char *what, const char *path, long error) {
  static char line[PATH_SIZE + 512];
  static char unnamed[] = "errno 000";
  const char *name = unnamed;
  for (u64 i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
    if (ERRORS[i].number == error) name = ERRORS[i].name;
  for (int i = 8; name == unnamed && i > 5; i--, error /= 10) unnamed[i] = (char)('0' + error % 10);
  u64 n = append(line, 0, "runchart: ");
  n = append(line, n, what);
  n = append(line, n, path);
  n = append(line, n, ": ");
  n = append(line, n, name);
  n = append(line, n, ": it belongs beside the runchart executable; build both with npm run build\n");
  syscall6(SYS_write, 2, (u64)line, n, 0, 0, 0);
  for (;;) syscall6(SYS_exit_group, 1, 0, 0, 0, 0, 0);
}

/* The folder of this executable, with a slash at its end. The kernel resolves symlinks to it (/usr/local/bin/runc). */
static char *own_folder(void) {
  static char path[PATH_SIZE + sizeof ENGINE];
  long n = syscall6(SYS_readlinkat, (u64)AT_FDCWD, (u64) "/proc/self/exe", (u64)path, PATH_SIZE, 0, 0);
  if (n < 0) fail("cannot find the engine by ", "/proc/self/exe", -n);
  while (n > 0 && path[n - 1] != '/') n--;
  path[n] = 0;
  return path;
}

/* The engine lies beside this executable. @param folder is added to */
static char *engine_in(char *folder) {
  u64 end = length(folder);
  for (u64 i = 0; i < sizeof ENGINE; i++) folder[end + i] = ENGINE[i];
  return folder;
}

static char *soft_limit_of_descriptors(void) {
  u64 limits[2] = {0, 0};
  syscall6(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (u64)limits, 0, 0);
  *decimal(nofile + length("RUNCHART_NOFILE="), limits[0]) = 0;
  return nofile;
}

static char *whole_environment(char **envp) {
  long fd = environment_file(envp);
  char *at = environment + length("RUNCHART_ENVIRONMENT=");
  if (fd < 0) *at++ = '-';
  *decimal(at, (u64)(fd < 0 ? -fd : fd)) = 0;
  return environment;
}

static char *told(const struct stage *stage) {
  char *at = decimal(stage_started + length("RUNCHART_STAGE="), (u64)stage->pid);
  *at++ = ':';
  at = decimal(at, (u64)stage->socket);
  *at++ = ':';
  *decimal(at, (u64)stage->channel) = 0;
  return stage_started;
}

/*
 * The engine refuses to start in a directory that has been removed. runc works there: a shim deletes a container whose
 * bundle is gone. So the engine starts elsewhere, and is told, since relative paths have no meaning then.
 * @returns whether the directory has been removed
 */
static int leave_deleted_directory(void) {
  static char path[PATH_SIZE];
  if (syscall6(SYS_getcwd, (u64)path, PATH_SIZE, 0, 0, 0, 0) != -ENOENT) return 0;
  return syscall6(SYS_chdir, (u64) "/", 0, 0, 0, 0, 0) == 0;
}

enum { SIGPWR = 30 };

/*
 * WebKit stops threads by this signal. If the caller ignores it, WebKit takes it all the same, and says so on standard
 * error. To reset it changes nothing for containers and hooks: all signals have their default actions there, as with
 * runc.
 */
static void reset_signal_of_engine(void) {
  static const u64 no_action[4];
  syscall6(SYS_rt_sigaction, SIGPWR, (u64)no_action, 0, sizeof(u64), 0, 0);
}

/*
 * A server waits for the signals that tell it to end, and for nothing else: runtime/resident/ended.ts. They have to be
 * blocked before the engine has threads. One who only asks how the server is may be interrupted as ever.
 */
static void hold_signals_of_server(char **argv) {
  int traced = 0;
  const char *command = word_of_command(argv, &traced);
  if (!command || is_flag(command, "serve") != 1) return;
  static const u64 ending = 1ul << (1 - 1) | 1ul << (2 - 1) | 1ul << (15 - 1); /* SIGHUP, SIGINT, SIGTERM */
  for (; *argv; argv++)
    if (is_flag(*argv, "status")) return;
  syscall6(SYS_rt_sigprocmask, SIG_BLOCK, (u64)&ending, 0, sizeof ending, 0, 0);
}

__attribute__((noreturn, used)) static void launch(u64 *stack) {
  char **argv = (char **)(stack + 1);
  char **envp = argv + stack[0] + 1;

  struct stage stage;
  const char *command = command_in(argv);
  char *folder = own_folder();
  int started = ask_server(&argv, envp, command, folder, &stage);
  command = command_in(argv);

  /* The new environment is written over the old one. It may be longer: the auxiliary vector behind is not needed. */
  char *all = whole_environment(envp);
  char **kept = keep_for_engine(envp);
  *kept++ = all;
  int makes = makes_process(command);
  if (!makes || is_flag(command, "exec") || !has_large_config(argv)) *kept++ = without_jit;
  *kept++ = without_reports;
  *kept++ = soft_limit_of_descriptors();
  if (leave_deleted_directory()) *kept++ = cwd_deleted;
  if (command && is_flag(command, "serve") == 1) syscall6(SYS_prctl, PR_SET_THP_DISABLE, 1, 0, 0, 0, 0);
  hold_signals_of_server(argv);
  if (makes && (started || start_stage(&stage))) *kept++ = told(&stage);
  if (makes && !is_flag(command, "create")) *kept++ = huge_pages;
  *kept = 0;
  reset_signal_of_engine();

  char *engine = engine_in(folder);
  read_engine(engine);
  long error = syscall6(SYS_execve, (u64)engine, (u64)argv, (u64)envp, 0, 0, 0);
  fail("cannot execute the engine ", engine, -error);
}

ENTRY(launch);
