/** When a server is told to end. */

const ENDING = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/** Settles when one of the signals comes that tell a server to end. They are caught from now on. */
export function askToEnd(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const name of ENDING) process.on(name, () => resolve());
  return promise;
}
