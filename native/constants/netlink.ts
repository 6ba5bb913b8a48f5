/** Links and addresses over netlink: uapi/linux/netlink.h, rtnetlink.h, if_link.h, if_addr.h. */

export const NLMSG = { ERROR: 2, DONE: 3 } as const;
export const NLM_F = { REQUEST: 0x1, ACK: 0x4, EXCL: 0x200, CREATE: 0x400, DUMP: 0x300 } as const;

/** rtnetlink(7). */
export const RTM = { NEWLINK: 16, GETLINK: 18, NEWADDR: 20, GETADDR: 22 } as const;
/** NEW_IFINDEX since Linux 5.13. */
export const IFLA = { IFNAME: 3, NET_NS_FD: 28, NEW_IFINDEX: 49 } as const;
export const IFA = { ADDRESS: 1, LOCAL: 2, BROADCAST: 4, FLAGS: 8 } as const;
export const IFA_F = {
  NODAD: 0x02,
  HOMEADDRESS: 0x10,
  PERMANENT: 0x80,
  MANAGETEMPADDR: 0x100,
  NOPREFIXROUTE: 0x200,
} as const;
export const RT_SCOPE_UNIVERSE = 0;
