/** Reads what a config without mappings is given. Few configs lack them, so this is loaded for those alone. */

import { withDefaultMappings } from '../../effects/namespaces/user/default-mappings.ts';
import { readSmallFile } from '../../effects/paths/proc.ts';
import type { Config } from '../../spec/types.ts';
import type { Context } from '../container/context.ts';
import { namesIn } from '../host/users.ts';

const LARGEST_BYTES = 1 << 20;

/** The config with the mappings that its caller may make. */
export function mapped({ platform, host }: Context, config: Config): Config {
  const read = (path: string): string => {
    try {
      return readSmallFile(platform.local, path, LARGEST_BYTES);
    } catch {
      return '';
    }
  };
  const name = namesIn(read('/etc/passwd')).get(String(host.uid));
  const grants = { subuid: read('/etc/subuid'), subgid: read('/etc/subgid') };
  return withDefaultMappings(config, { uid: host.uid, gid: host.gid, name }, grants);
}
