import type { Config } from './config/config.ts';

/** Whether it gets a pid namespace of its own: then the end of its init is the end of all its processes. Pure. */
export const hasOwnPids = ({ linux }: Config): boolean =>
  (linux?.namespaces ?? []).some(({ type, path }) => type === 'pid' && (path === undefined || path === ''));
