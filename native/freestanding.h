/* All that the init and the launcher have instead of a C library: raw system calls, and a program's entry point. */
#pragma once

/* The current directory, for calls that take a directory's descriptor. */
enum { AT_FDCWD = -100, O_CLOEXEC = 02000000 };

typedef unsigned int u32;
typedef unsigned long u64;
typedef long i64;

#if defined(__x86_64__)

static inline i64 syscall6(i64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	register u64 r10 __asm__("r10") = d;
	register u64 r8 __asm__("r8") = e;
	register u64 r9 __asm__("r9") = f;
	i64 ret;
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* The kernel leaves argc, argv and envp on the stack. This hands their address to `entry`. */
#define ENTRY(entry)                                                                                                   \
	__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall " #entry "\n")

#define SYS_read 0
#define SYS_write 1
#define SYS_close 3
#define SYS_mmap 9
#define SYS_rt_sigaction 13
#define SYS_nanosleep 35
#define SYS_getcwd 79
#define SYS_chdir 80
#define SYS_sendto 44
#define SYS_execve 59
#define SYS_prctl 157
#define SYS_readlinkat 267
#define SYS_openat2 437
#define SYS_exit_group 231
#define SYS_prlimit64 302
#define SYS_fcntl 72
#define SYS_dup3 292
#define SYS_clone 56
#define SYS_execveat 322
#define SYS_socketpair 53
#define SYS_getsockopt 55
#define SYS_memfd_create 319
#define SYS_close_range 436
#define SYS_rt_sigprocmask 14
#define SYS_openat 257
#define SYS_lseek 8
#define SYS_madvise 28
#define SYS_cachestat 451
#define SYS_accept4 288
#define SYS_clone3 435
#define SYS_sendmsg 46
#define SYS_recvmsg 47
#define SYS_recvfrom 45
#define SYS_socket 41
#define SYS_connect 42
#define SYS_shutdown 48
#define SYS_geteuid 107
#define SYS_getpid 39
#define SYS_ppoll 271
#define SYS_waitid 247
#define SYS_pidfd_send_signal 424
#define SYS_pidfd_open 434
#define SYS_statx 332
#define SYS_fstatfs 138
#define SYS_ioctl 16

#elif defined(__aarch64__)

static inline i64 syscall6(i64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	register i64 x8 __asm__("x8") = nr;
	register u64 x0 __asm__("x0") = a;
	register u64 x1 __asm__("x1") = b;
	register u64 x2 __asm__("x2") = c;
	register u64 x3 __asm__("x3") = d;
	register u64 x4 __asm__("x4") = e;
	register u64 x5 __asm__("x5") = f;
	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory", "cc");
	return (i64)x0;
}

#define ENTRY(entry)                                                                                                   \
	__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x0, sp\n\tand sp, x0, #-16\n\tbl " #entry "\n")

#define SYS_read 63
#define SYS_write 64
#define SYS_close 57
#define SYS_mmap 222
#define SYS_rt_sigaction 134
#define SYS_nanosleep 101
#define SYS_getcwd 17
#define SYS_chdir 49
#define SYS_sendto 206
#define SYS_execve 221
#define SYS_prctl 167
#define SYS_readlinkat 78
#define SYS_openat2 437
#define SYS_exit_group 94
#define SYS_prlimit64 261
#define SYS_fcntl 25
#define SYS_dup3 24
#define SYS_clone 220
#define SYS_execveat 281
#define SYS_socketpair 199
#define SYS_getsockopt 209
#define SYS_memfd_create 279
#define SYS_close_range 436
#define SYS_rt_sigprocmask 135
#define SYS_openat 56
#define SYS_lseek 62
#define SYS_madvise 233
#define SYS_cachestat 451
#define SYS_accept4 242
#define SYS_clone3 435
#define SYS_sendmsg 211
#define SYS_recvmsg 212
#define SYS_recvfrom 207
#define SYS_socket 198
#define SYS_connect 203
#define SYS_shutdown 210
#define SYS_geteuid 175
#define SYS_getpid 172
#define SYS_ppoll 73
#define SYS_waitid 95
#define SYS_pidfd_send_signal 424
#define SYS_pidfd_open 434
#define SYS_statx 291
#define SYS_fstatfs 44
#define SYS_ioctl 29

#else
#error "runchart runs on x86-64 and arm64"
#endif

__attribute__((noreturn)) static inline void quit(int status)
{
	syscall6(SYS_exit_group, (u64)status, 0, 0, 0, 0, 0);
	/* A seccomp filter may refuse even that. */
	__builtin_trap();
}
