/* with-environment FILE PROGRAM [ARG…]: executes a program with the environment in the file, each entry with a NUL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGEST = 8 << 20 };

int main(int argc, char **argv) {
  static char text[LARGEST + 1], *envp[LARGEST / 2];
  FILE *file = argc > 2 ? fopen(argv[1], "r") : NULL;
  size_t size = file ? fread(text, 1, LARGEST, file) : 0, count = 0;
  for (size_t at = 0; at < size; at += strlen(text + at) + 1) envp[count++] = text + at;
  if (file) fclose(file);
  if (file) execve(argv[2], argv + 2, envp);
  perror(argv[0]);
  return 1;
}
