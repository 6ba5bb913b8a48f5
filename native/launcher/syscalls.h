/* The system calls of the launcher, without a C library: its start-up would cost more than the work. */
#pragma once

typedef unsigned long word;

#if defined(__x86_64__)
enum {
  SYS_write = 1,
  SYS_execve = 59,
  SYS_getcwd = 79,
  SYS_chdir = 80,
  SYS_exit_group = 231,
  SYS_readlinkat = 267,
  SYS_prlimit64 = 302
};

static inline long syscall4(long number, word a, word b, word c, word d) {
  register word r10 __asm__("r10") = d;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}

/* The kernel enters with the stack pointer on argc; C wants it as an argument, and the stack aligned. */
__asm__(".globl _start\n_start:\n  xor %ebp, %ebp\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call launch\n");

#elif defined(__aarch64__)
enum {
  SYS_getcwd = 17,
  SYS_chdir = 49,
  SYS_write = 64,
  SYS_readlinkat = 78,
  SYS_exit_group = 94,
  SYS_execve = 221,
  SYS_prlimit64 = 261
};

static inline long syscall4(long number, word a, word b, word c, word d) {
  register long x8 __asm__("x8") = number;
  register word x0 __asm__("x0") = a;
  register word x1 __asm__("x1") = b;
  register word x2 __asm__("x2") = c;
  register word x3 __asm__("x3") = d;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return (long)x0;
}

__asm__(".globl _start\n_start:\n  mov x29, #0\n  mov x30, #0\n  mov x0, sp\n  bl launch\n");

#else
#error "runchart's launcher knows x86-64 and arm64"
#endif
