/* Finds the socket of a resident server, and connects to it. runtime/resident/place.ts has the same path. */
#pragma once
#include "../resident/protocol.h"
#include "stage.h"

enum { SOL_SOCKET = 1, SO_PEERCRED = 17, SUN_PATH = 108, DIRECTORY_SIZE = 4096 };
enum { SOCK_STREAM_NONBLOCK_CLOEXEC = SOCK_STREAM_CLOEXEC | 04000 };

struct unix_address {
  unsigned short family;
  char path[SUN_PATH];
};

/* @param folder the launcher's own, with a slash at its end. @returns the size of the address; 0: it is too long */
static u64 address_of_server(struct unix_address *address, const char *folder) {
  static char link[DIRECTORY_SIZE + sizeof RESIDENT_LINK];
  u64 at = 0;
  for (; folder[at]; at++) link[at] = folder[at];
  for (u64 i = 0; i < sizeof RESIDENT_LINK; i++) link[at + i] = RESIDENT_LINK[i];
  const u64 room = SUN_PATH - sizeof RESIDENT_SOCKET;
  long size = syscall6(SYS_readlinkat, (u64)AT_FDCWD, (u64)link, (u64)address->path, room, 0, 0);
  if (size == (long)room) return 0;
  if (size < 0) {
    size = sizeof RESIDENT_DIRECTORY - 1;
    for (long i = 0; i < size; i++) address->path[i] = RESIDENT_DIRECTORY[i];
  }
  for (u64 i = 0; i < sizeof RESIDENT_SOCKET; i++) address->path[size + (long)i] = RESIDENT_SOCKET[i];
  address->family = AF_UNIX;
  return sizeof address->family + (u64)size + sizeof RESIDENT_SOCKET;
}

/* Connects without waiting: a full queue is a refusal. @returns a descriptor, or an error */
static long connect_to_server(const char *folder) {
  struct unix_address address;
  u64 size = address_of_server(&address, folder);
  u32 peer[3] = {0}, peer_size = sizeof peer; /* struct ucred: pid, uid, gid */
  if (size == 0) return -1;
  long fd = syscall6(SYS_socket, AF_UNIX, SOCK_STREAM_NONBLOCK_CLOEXEC, 0, 0, 0, 0);
  if (fd < 0) return fd;
  /* Whoever took the socket's place without being root shall not be told anything. */
  if (syscall6(SYS_connect, (u64)fd, (u64)&address, size, 0, 0, 0) == 0 &&
      syscall6(SYS_getsockopt, (u64)fd, SOL_SOCKET, SO_PEERCRED, (u64)peer, (u64)&peer_size, 0) == 0 && peer[1] == 0)
    return fd;
  close_fd(fd);
  return -1;
}
