/**
 * The names of mount options that are the runtime's to act upon, by kind: config.md "Linux mount options", and
 * runc's tables. Any other option goes to the filesystem. `remount` and `defaults` are among the flags.
 */
export const MOUNT_OPTIONS = {
  flags: [
    ...['async', 'atime', 'bind', 'defaults', 'dev', 'diratime', 'dirsync', 'exec', 'iversion', 'lazytime', 'loud'],
    ...['mand', 'noatime', 'nodev', 'nodiratime', 'noexec', 'noiversion', 'nolazytime', 'nomand', 'norelatime'],
    ...['nostrictatime', 'nosuid', 'nosymfollow', 'rbind', 'relatime', 'remount', 'ro', 'rw', 'silent', 'strictatime'],
    ...['suid', 'symfollow', 'sync'],
  ],
  propagation: ['private', 'rprivate', 'rshared', 'rslave', 'runbindable', 'shared', 'slave', 'unbindable'],
  recursive: [
    ...['ratime', 'rdev', 'rdiratime', 'rexec', 'rnoatime', 'rnodev', 'rnodiratime', 'rnoexec', 'rnorelatime'],
    ...['rnostrictatime', 'rnosuid', 'rnosymfollow', 'rrelatime', 'rro', 'rrw', 'rstrictatime', 'rsuid', 'rsymfollow'],
  ],
  extension: ['tmpcopyup'],
  /** crun's, for binds. */
  symlinks: ['copy-symlink', 'dest-nofollow', 'src-nofollow'],
  idmap: ['idmap', 'ridmap'],
} as const;

/** Whether the mount is a bind mount. Its options alone say so, as in runc: the type is a dummy then (config.md). */
export function isBindMount({ options = [] }: { readonly options?: readonly string[] | undefined }): boolean {
  return options.includes('bind') || options.includes('rbind');
}
