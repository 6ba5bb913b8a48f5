/** The mounts of a container that is built from options. Pure. */

import type { JsonPath } from '../problem.ts';
import type { Mount } from '../types.ts';
import type { BindMount, MountOption, TmpfsMount } from './options.ts';
import { bytesOf } from './quantity.ts';
import { refuse } from './refuse.ts';

/** @throws SpecError for a mount that is none, or whose paths are not absolute */
export function mountOf(option: MountOption, at: JsonPath): Mount {
  if (typeof option !== 'object' || option === null) return refuse(at, 'must be an object');
  if ('tmpfs' in option) return tmpfs(option, at);
  if (isBind(option)) return bind(option, at);
  return option;
}

/** A mount of config.json says more of itself. */
const isBind = (option: BindMount | Mount): option is BindMount =>
  !['type', 'options', 'uidMappings', 'gidMappings'].some((name) => name in option);

/**
 * A bind mount of the host's: with what is mounted below it, and never seen by others. Devices in it are not opened,
 * and set-user-ID programs in it gain nothing.
 */
function bind({ source, destination, readonly = false }: BindMount, at: JsonPath): Mount {
  checkAbsolute(source, [...at, 'source']);
  checkAbsolute(destination, [...at, 'destination']);
  const options = ['rbind', 'rprivate', 'nosuid', 'nodev', ...(readonly ? ['rro'] : [])];
  return { destination, type: 'bind', source, options };
}

const EVERYBODY = 0o1777;

function tmpfs({ tmpfs: destination, size, mode = EVERYBODY }: TmpfsMount, at: JsonPath): Mount {
  checkAbsolute(destination, [...at, 'tmpfs']);
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777) refuse([...at, 'mode'], 'must be a mode, such as 0o1777');
  const options = ['nosuid', 'nodev', `mode=${mode.toString(8)}`];
  if (size !== undefined) options.push(`size=${bytesOf(size, [...at, 'size'])}`);
  return { destination, type: 'tmpfs', source: 'tmpfs', options };
}

function checkAbsolute(path: unknown, at: JsonPath): void {
  if (typeof path !== 'string' || !path.startsWith('/')) refuse(at, 'must be an absolute path');
}
