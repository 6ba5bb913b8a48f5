/** `delete`, which also takes what no other command takes: what is not there, what is damaged, what another command hangs on. */

import type { Answer } from '../../machines/ask.ts';
import { accessFor, type ContainerOptions, openContainer } from '../container/container.ts';
import { isStoreError } from '../store/error.ts';

const DONE: Answer = { outcome: 'done', warnings: [] };

/** @throws StoreError `missing` (not with `force`: then there is nothing to do), `damaged` (not with `force`), `busy` */
export async function deleteContainer(options: ContainerOptions, force: boolean): Promise<Answer> {
  try {
    const container = await openContainer(options, accessFor('delete', force));
    try {
      return await container.request({ type: 'delete', force });
    } finally {
      container.close();
    }
  } catch (error) {
    if (force && isStoreError(error, 'missing')) return DONE;
    throw error;
  }
}
