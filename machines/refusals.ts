/** Why a request is illegal: the texts of runc (1.1.5 and 1.5 agree), which engines match on. */

import type { Status } from '../spec/types.ts';
import type { Request } from './events.ts';

/** A status; `absent`: there is no container, not yet or no longer; `busy`: the machine is on its way between two states. */
export type Standing = Status | 'absent' | 'busy';

/** One line for a request that the state does not take. */
export function refusal(request: Request['type'], id: string, status: Standing): string {
  if (status === 'absent') return 'container does not exist';
  if (request === 'create' || request === 'restore') return 'container with given ID already exists';
  if (status === 'busy') return `cannot ${request} container ${id}: another request is under way`;
  switch (request) {
    case 'start':
      if (status === 'running') return 'cannot start an already running container';
      if (status === 'stopped') return 'cannot start a container that has stopped';
      return `cannot start a container in the ${status} state`;
    case 'kill':
    case 'pause':
    case 'update':
      return 'container not running';
    case 'resume':
      return 'container not paused';
    case 'exec':
      if (status === 'paused') return 'cannot exec in a paused container (use --ignore-paused to override)';
      return `cannot exec in a ${status} container`;
    case 'events':
      return `container with id ${id} is not running`;
    case 'checkpoint':
      // Only what was paused before its start is refused when paused.
      return `Container cannot be checkpointed in ${status === 'paused' ? 'created' : status} state`;
    case 'delete':
      return `cannot delete container ${id} that is not stopped: ${status}`;
  }
}
