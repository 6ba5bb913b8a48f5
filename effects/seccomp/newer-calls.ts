/**
 * Calls of Linux 5.6 to 6.19 that a libseccomp may be too old for. Engines write profiles for many kernels: they name
 * such calls on purpose, and nobody has to be told of them. A name that neither the library nor this list knows is a
 * slip, and lets a call through, or forbids it, that the author of the profile did not mean.
 */
export const NEWER_CALLS: ReadonlySet<string> = new Set([
  ...['openat2', 'pidfd_getfd', 'faccessat2', 'close_range', 'process_madvise', 'epoll_pwait2', 'mount_setattr'],
  ...['quotactl_fd', 'landlock_create_ruleset', 'landlock_add_rule', 'landlock_restrict_self', 'memfd_secret'],
  ...['process_mrelease', 'futex_waitv', 'set_mempolicy_home_node', 'cachestat', 'fchmodat2', 'map_shadow_stack'],
  ...['futex_wake', 'futex_wait', 'futex_requeue', 'statmount', 'listmount', 'lsm_get_self_attr'],
  ...['lsm_set_self_attr', 'lsm_list_modules', 'mseal', 'uretprobe', 'uprobe', 'setxattrat', 'getxattrat'],
  ...['listxattrat', 'removexattrat', 'open_tree_attr', 'file_getattr', 'file_setattr', 'listns'],
  ...['rseq_slice_yield', 'riscv_hwprobe', 'riscv_flush_icache'],
]);

const SHOWN = 5;

/** @returns a warning about names that mean nothing; undefined where there are none */
export function unknownCalls(names: readonly string[]): string | undefined {
  const unknown = [...new Set(names)].filter((name) => !NEWER_CALLS.has(name));
  if (unknown.length === 0) return undefined;
  const some = unknown.slice(0, SHOWN).map((name) => JSON.stringify(name.slice(0, 100)));
  const more = unknown.length > SHOWN ? ` and ${unknown.length - SHOWN} more` : '';
  return `linux.seccomp.syscalls: no such system call, ignored: ${some.join(', ')}${more}`;
}
