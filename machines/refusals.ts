/** Why a request is illegal, in runc's texts, which engines match on. runc 1.1.5 and 1.5 have the same. */

import type { Request } from './events.ts';
import type { Situation } from './status.ts';

/** One line for a request that the state does not permit. */
export function refusal(request: Request['type'], id: string, situation: Situation): string {
  if (situation === 'absent') return `container does not exist: ${id}`;
  if (request === 'create' || request === 'restore') return 'container with given ID already exists';
  if (situation === 'busy') return `cannot ${request} container ${id}: another request is under way`;
  switch (request) {
    case 'start':
      if (situation === 'running') return 'cannot start an already running container';
      if (situation === 'stopped') return 'cannot start a container that has stopped';
      return `cannot start a container in the ${situation} state`;
    case 'kill':
    case 'pause':
    case 'update':
      return 'container not running';
    case 'resume':
      return 'container not paused';
    case 'exec':
      if (situation === 'paused') return 'cannot exec in a paused container (use --ignore-paused to override)';
      return `cannot exec in a ${situation} container`;
    case 'events':
      return `container with id ${id} is not running`;
    case 'checkpoint':
      // A paused container is refused only if it was paused before its start.
      return `Container cannot be checkpointed in ${situation === 'paused' ? 'created' : situation} state`;
    case 'delete':
      return `cannot delete container ${id} that is not stopped: ${situation}`;
  }
}
