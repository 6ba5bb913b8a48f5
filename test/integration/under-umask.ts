/** Runs something with a umask, which the processes that it starts inherit. */
export function underUmask<T>(mask: number, action: () => T): T {
  const before = process.umask(mask);
  try {
    return action();
  } finally {
    process.umask(before);
  }
}
