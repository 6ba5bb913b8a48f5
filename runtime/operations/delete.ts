/**
 * `delete`. With `force` it also takes what no other command takes: a container that is not there, that is damaged, or
 * that a command which hangs has locked.
 */

import type { Answer } from '../../machines/ask.ts';
import { accessFor, openContainer } from '../container/access.ts';
import type { OpenOptions } from '../container/container.ts';
import { isStoreError } from '../store/error.ts';

const DONE: Answer = { outcome: 'done', warnings: [] };

/** @throws StoreError `busy`; without `force` also `missing` and `damaged` */
export async function deleteContainer(options: OpenOptions, force: boolean): Promise<Answer> {
  try {
    using container = await openContainer(options, accessFor('delete', force));
    return await container.request({ type: 'delete', force });
  } catch (error) {
    if (force && isStoreError(error, 'missing')) return DONE;
    throw error;
  }
}
