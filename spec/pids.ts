import type { Config } from './config/config.ts';

/** Whether the container gets a pid namespace of its own: then all its processes end with its init. */
export const hasOwnPids = ({ linux }: Config): boolean =>
  (linux?.namespaces ?? []).some(({ type, path }) => type === 'pid' && (path === undefined || path === ''));
