/** Sockets, terminals and polling. */

export const AF = { UNIX: 1, INET: 2, NETLINK: 16 } as const;
export const SOCK = { STREAM: 1, DGRAM: 2, RAW: 3, SEQPACKET: 5, CLOEXEC: 0o2000000, NONBLOCK: 0o4000 } as const;
export const MSG = { DONTWAIT: 0x40, NOSIGNAL: 0x4000, CMSG_CLOEXEC: 0x40000000 } as const;
export const SOL_SOCKET = 1;
/** setsockopt(2) at SOL_SOCKET. */
export const SO = { RCVBUF: 8, PEERCRED: 17, RCVTIMEO: 20, SNDTIMEO: 21 } as const;
export const SCM_RIGHTS = 1;

/** poll(2). */
export const POLL = { IN: 1, PRI: 2, OUT: 4, ERR: 8, HUP: 16 } as const;

/** ioctl(2) requests of terminals (ioctl_tty(2)) and of network interfaces (netdevice(7)). */
export const TIOC = {
  SCTTY: 0x540e,
  GWINSZ: 0x5413,
  SWINSZ: 0x5414,
  GPTPEER: 0x5441,
  SPTLCK: 0x40045431,
  GPTN: 0x80045430,
} as const;
export const TC = { GETS: 0x5401, SETS: 0x5402, SETSW: 0x5403 } as const;
export const SIOC = { GIFFLAGS: 0x8913, SIFFLAGS: 0x8914 } as const;
export const IFF_UP = 1;
