/*
 * send PATH MS: connects to the socket, sends what standard input has, and says what became of it: `refused ERRNO`,
 * `closed`, `answered N`, or `silent` that long. What it is to send comes as hexadecimal digits; a space is a pause.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LARGEST = 1 << 20, PAUSE_US = 2000 };

static unsigned char bytes[LARGEST];
static unsigned size;

/* Whether all of it was taken. */
static int sent(int sock) {
  ssize_t n = send(sock, bytes, size, MSG_NOSIGNAL);
  int all = n == (ssize_t)size;
  size = 0;
  return all;
}

int main(int argc, char **argv) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  if (argc < 3 || strlen(argv[1]) >= sizeof to.sun_path) return 2;
  strcpy(to.sun_path, argv[1]);
  int sock = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(sock, (struct sockaddr *)&to, sizeof to) < 0) return printf("refused %d\n", errno), 0;
  int open = 1, letter;
  unsigned digit, half = 0, high = 0;
  while (open && (letter = getchar()) != EOF) {
    if (letter == ' ') {
      open = sent(sock);
      usleep(PAUSE_US);
    } else if (sscanf((char[]){(char)letter, 0}, "%x", &digit) == 1) {
      if (half && size < LARGEST) bytes[size++] = (unsigned char)(high << 4 | digit);
      high = digit;
      half = !half;
    }
  }
  if (open) sent(sock);
  struct pollfd one = {.fd = sock, .events = POLLIN};
  if (poll(&one, 1, atoi(argv[2])) == 0) return puts("silent"), 0;
  ssize_t n = recv(sock, bytes, sizeof bytes, 0);
  if (n > 0) printf("answered %zd\n", n);
  else puts("closed");
  return 0;
}
