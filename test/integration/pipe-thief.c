/* A process in a container that tries what it can with the pipes that it has: test/integration/caller-pipes.test.ts. */
#include "../../native/freestanding.h"

#if defined(__x86_64__)
#define SYS_fchown 93
#else
#define SYS_fchown 55
#endif

enum { F_SETFL = 4, F_SETPIPE_SZ = 1031, O_WRONLY = 1, O_NONBLOCK = 04000 };

__attribute__((used)) void entry(void)
{
	static char stolen[64];
	for (int fd = 0; fd < 3; fd++) {
		syscall6(SYS_fcntl, fd, F_SETFL, O_NONBLOCK, 0, 0, 0);
		syscall6(SYS_fcntl, fd, F_SETPIPE_SZ, 8192, 0, 0, 0);
		syscall6(SYS_fchown, fd, 1234, 1234, 0, 0, 0);
	}
	/* What others write to standard output, and something of its own for those who read standard input. */
	i64 reading = syscall6(SYS_openat, AT_FDCWD, (u64) "/proc/self/fd/1", O_NONBLOCK, 0, 0, 0);
	i64 writing = syscall6(SYS_openat, AT_FDCWD, (u64) "/proc/self/fd/0", O_WRONLY | O_NONBLOCK, 0, 0, 0);
	i64 length = syscall6(SYS_read, reading, (u64)stolen, sizeof stolen, 0, 0, 0);
	syscall6(SYS_write, writing, (u64) "false", 5, 0, 0, 0);
	syscall6(SYS_write, 2, (u64) "stolen: ", 8, 0, 0, 0);
	if (length > 0)
		syscall6(SYS_write, 2, (u64)stolen, length, 0, 0, 0);
	syscall6(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

ENTRY(entry);
