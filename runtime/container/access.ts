/** Makes a container's directory or opens it, with the lock that the request needs, and wakes its machine up. */

import type { Request } from '../../machines/events.ts';
import { needsLock } from '../../machines/rules.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { isErrno } from '../../native/kernel/perform.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import {
  closeDirectory,
  type Directory,
  makeDirectory,
  openDirectory,
  readState,
  removeDirectory,
} from '../store/directory.ts';
import { isStoreError, missing } from '../store/error.ts';
import { lock, tryLock } from '../store/lock.ts';
import { decodeState, type Stored, salvageState } from '../store/state-file.ts';
import { Container, type OpenOptions } from './container.ts';

/**
 * - `exclusive`: one command at a time. What it does is written down.
 * - `shared`: beside any other command, for what changes nothing in the record: kill, exec, events. (A hook may kill
 * the
 *   container while `create` holds the lock.)
 * - `delete`: exclusive. A directory without a state.json is removed, as with runc.
 * - `force`: exclusive, whatever it takes: the init of a command that holds the lock is killed, and a damaged
 * state.json
 *   is salvaged.
 */
export type Access = 'exclusive' | 'shared' | 'delete' | 'force';

/** How to open a container for a request. */
export function accessFor(request: Request['type'], force = false): Access {
  if (request === 'delete') return force ? 'force' : 'delete';
  return needsLock(request) ? 'exclusive' : 'shared';
}

/**
 * Makes the directory of a new container, and locks it. Nothing else happens before `create` or `restore` is requested.
 * @throws StoreError `exists`
 */
export async function newContainer(options: OpenOptions, record: ContainerRecord): Promise<Container> {
  const { kernel, root, id, patience } = options;
  for (;;) {
    let directory: Directory | undefined;
    try {
      directory = makeDirectory(kernel, root, id);
      await lock(kernel, directory, patience);
      return new Container(options, directory, { record, locked: true });
    } catch (error) {
      // A `delete` took our directory, which is still empty, for one that a crash had left behind. We make it anew.
      const taken = isStoreError(error, 'missing');
      if (directory !== undefined) {
        if (!taken) removeDirectory(kernel, directory);
        closeDirectory(kernel, directory);
      }
      if (!taken) throw error;
    }
  }
}

/**
 * Opens a container that is there.
 * @throws StoreError `missing`, `damaged`, `busy`
 */
export async function openContainer(options: OpenOptions, access: Access): Promise<Container> {
  const { kernel, root, id, patience } = options;
  const directory = openDirectory(kernel, root, id);
  try {
    if (access !== 'shared') {
      if (access === 'force' && !tryLock(kernel, directory)) await endInit(options, directory);
      await lock(kernel, directory, patience);
    }
    const text = access === 'force' ? readWhatThereIs(kernel, directory) : readState(kernel, directory);
    if (text === undefined && access === 'delete') removeDirectory(kernel, directory);
    if (text === undefined && access !== 'force') throw missing(root, id);
    const stored = access === 'force' ? decodeOrSalvage(text, options) : decodeState(text ?? '', root, id);
    const container = new Container(options, directory, { stored, text, locked: access !== 'shared' });
    try {
      await container.observe();
    } catch (error) {
      container.actor.stop();
      throw error;
    }
    return container;
  } catch (error) {
    closeDirectory(kernel, directory);
    throw error;
  }
}

/** A command that hangs may be waiting for the init, or run in the init's namespaces: it ends with the init. */
async function endInit(options: OpenOptions, directory: Directory): Promise<void> {
  const text = readWhatThereIs(options.kernel, directory);
  if (text !== undefined) await options.effects.destroyInit(decodeOrSalvage(text, options).record);
}

/**
 * A directory or a link in the place of state.json is as damaged as text that makes no sense. A state.json that cannot
 * be read just now is not: it may still say who the init is.
 */
function readWhatThereIs(kernel: Kernel, directory: Directory): string | undefined {
  try {
    return readState(kernel, directory);
  } catch (error) {
    if (error instanceof Error && isErrno(error.cause, 'EISDIR', 'ELOOP')) return '';
    throw error;
  }
}

function decodeOrSalvage(text: string | undefined, { root, id, guessCgroup }: OpenOptions): Stored {
  try {
    if (text !== undefined) return decodeState(text, root, id);
  } catch (error) {
    if (!isStoreError(error, 'damaged')) throw error;
  }
  // The intent is written before the first effect. So where nothing is written, a cgroup of that name is somebody
  // else's.
  return salvageState(text, root, id, text === undefined ? undefined : guessCgroup?.());
}
