/**
 * The mappings of a new user namespace for which a config has none, as with crun: the caller is the process's user, and
 * the other ids are those that /etc/subuid and /etc/subgid grant the caller (subuid(5)). Pure.
 */

import type { Config, IDMapping } from '../../../spec/types.ts';

export interface Caller {
  readonly uid: number;
  readonly gid: number;
  /** The name of the uid, as /etc/passwd has it; undefined if it has none. */
  readonly name?: string | undefined;
}

/** The texts of /etc/subuid and /etc/subgid; empty if there is none. */
export interface Grants {
  readonly subuid: string;
  readonly subgid: string;
}

/** The config with the mappings. */
export function withDefaultMappings(config: Config, caller: Caller, { subuid, subgid }: Grants): Config {
  const { uid = 0, gid = 0 } = config.process?.user ?? {};
  const uidMappings = mappingsFor(uid, caller.uid, grantOf(subuid, caller));
  const gidMappings = mappingsFor(gid, caller.gid, grantOf(subgid, caller));
  return { ...config, linux: { ...config.linux, uidMappings, gidMappings } };
}

interface Grant {
  readonly first: number;
  readonly size: number;
}

/** The first line that is about the caller, by his name or his number. */
function grantOf(text: string, { uid, name }: Caller): Grant | undefined {
  for (const line of text.split('\n')) {
    const [who, first, size] = line.split(':');
    if (who !== String(uid) && (name === undefined || who !== name)) continue;
    if (/^\d+$/.test(first ?? '') && /^\d+$/.test(size ?? '')) return { first: Number(first), size: Number(size) };
  }
  return undefined;
}

/**
 * @param inside the id that the caller's own has in the container. Without a grant it is 0: the container's init needs
 *   a root, and there is one id only.
 */
function mappingsFor(inside: number, outside: number, grant: Grant | undefined): IDMapping[] {
  if (grant === undefined || grant.size === 0) return [{ containerID: 0, hostID: outside, size: 1 }];
  const { first, size } = grant;
  const below = Math.min(inside, size);
  return [
    { containerID: 0, hostID: first, size: below },
    { containerID: inside, hostID: outside, size: 1 },
    { containerID: inside + 1, hostID: first + below, size: size - below },
  ].filter((mapping) => mapping.size > 0);
}
