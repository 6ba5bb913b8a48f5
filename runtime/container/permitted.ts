/** Asks a container's machine whether a command may do its work that changes no state: `exec`, `events`. */

import type { ContainerRecord } from '../../spec/record.ts';
import { succeed } from './answers.ts';
import type { Container } from './container.ts';
import type { Context } from './context.ts';
import { openExisting } from './open.ts';

/** @returns the record as it is then. The container is closed again. @throws Error of one line where it is refused */
export async function permitted(
  context: Context,
  id: string,
  event: Parameters<Container['request']>[0],
): Promise<ContainerRecord> {
  using container = await openExisting(context, id, event.type);
  succeed(context, await container.request(event));
  return container.record;
}
