/** Commands that a resident engine has begun to read, and gives back to its caller: nothing has been done. */

import { NotServedError } from '../../native/resident/caller.ts';

/** Whether an error says so, whatever words were put before it. */
export const isGivenBack = (error: unknown): boolean =>
  error instanceof NotServedError || (error instanceof Error && error.cause !== undefined && isGivenBack(error.cause));
