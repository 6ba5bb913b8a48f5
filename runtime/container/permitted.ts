/** Whether a command that changes no state may do its work: the container's machine says so. */

import type { ContainerRecord } from '../../spec/record.ts';
import { succeed } from './answers.ts';
import type { Container } from './container.ts';
import type { Context } from './context.ts';
import { openExisting } from './open.ts';

/** @returns the container as it is then; it is not held any more. @throws Error, of one line */
export async function permitted(
  context: Context,
  id: string,
  event: Parameters<Container['request']>[0],
): Promise<ContainerRecord> {
  const container = await openExisting(context, id, event.type);
  try {
    succeed(context, await container.request(event));
    return container.record;
  } finally {
    container.close();
  }
}
