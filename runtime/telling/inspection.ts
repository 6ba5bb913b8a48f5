/** Makes lines of XState's inspection of a command's machines. */

import type { InspectionEvent } from 'xstate';
import { placeOf } from '../../machines/place.ts';
import { statusOf, type Tag } from '../../machines/status.ts';
import type { ActorLine, FailureLine, Line, SnapshotLine, TypedEvent } from '../../spec/watch/lines.ts';
import { codeOf, isToldResult, messageOf, toldEvent } from './events.ts';

/** A line without what every line has. */
export type Bare<One extends Line = Line> = One extends Line ? Omit<One, 'at' | 'run' | 'root'> : never;

/** The members of XState's actors that are read here. Its inspection declares fewer. */
interface Actor {
  readonly id: string;
  readonly sessionId: string;
  readonly src?: unknown;
  readonly logic?: { readonly config?: { readonly id?: string } };
  readonly _parent?: Actor;
  on(type: '*', listener: (emitted: Emitted) => void): unknown;
}

interface Emitted {
  readonly type: string;
  readonly during?: string;
  readonly error?: unknown;
}

/** A snapshot: of a machine if it has a `value`. */
interface Seen {
  readonly status: string;
  readonly value?: unknown;
  readonly context?: { readonly id?: string };
  readonly output?: unknown;
  readonly error?: unknown;
  hasTag?(tag: Tag): boolean;
}

/**
 * @param tell takes the states and failures of each machine: what a trace has
 * @param detail takes all else that XState tells, and the contexts. Undefined where nobody wants it
 */
export function inspection(
  tell: (line: Bare) => void,
  detail?: {
    tell(line: Bare): void;
    context(actor: string, context: object): void;
  },
): (event: InspectionEvent) => void {
  const states = new Map<string, unknown>();
  const contexts = new Map<string, unknown>();

  function snapshot(actor: Actor, event: TypedEvent, seen: Seen): void {
    const { sessionId } = actor;
    if (isMachine(actor) && states.get(sessionId) !== seen.value) {
      states.set(sessionId, seen.value);
      tell(stateOf(actor, seen));
    }
    if (detail === undefined) return;
    const { context } = seen;
    if (isContainer(actor) && context !== undefined && contexts.get(sessionId) !== context) {
      contexts.set(sessionId, context);
      detail.context(sessionId, context);
    }
    // Of an effect only its end is told: its beginning is its actor's.
    if (isMachine(actor) || seen.status !== 'active') detail.tell(snapshotOf(actor, event, seen));
  }

  return (event) => {
    const actor = event.actorRef as unknown as Actor;
    if (event.type === '@xstate.actor') {
      if (isContainer(actor)) actor.on('*', (emitted) => tell(failureOf(actor, emitted)));
      detail?.tell(actorOf(actor));
    } else if (event.type === '@xstate.event') {
      if (detail === undefined || isInnerEvent(event.event.type)) return;
      const from = (event.sourceRef as unknown as Actor | undefined)?.sessionId;
      const told = toldEvent(event.event);
      detail.tell({ type: 'event', actor: actor.sessionId, ...(from !== undefined && { from }), event: told });
      if (isMachine(actor) && from === undefined && isRequest(told.type))
        detail.tell({ type: 'request', id: actor.id, request: told.type });
    } else if (event.type === '@xstate.snapshot') {
      snapshot(actor, event.event, event.snapshot as Seen);
    }
  };
}

/** What XState sends an actor at its beginning, and a promise sends itself: the actor and its snapshot say as much. */
const isInnerEvent = (type: string): boolean => type === 'xstate.init' || type.startsWith('xstate.promise.');

const isRequest = (type: string): boolean =>
  !type.startsWith('xstate.') && !['saved', 'unsaved', 'observed', 'exited'].includes(type);

const isMachine = (actor: Actor): boolean => actor._parent === undefined;
const isContainer = (actor: Actor): boolean => isMachine(actor) && machineOf(actor) === 'container';
const machineOf = ({ logic }: Actor): string | undefined => logic?.config?.id;

const stateOf = (actor: Actor, seen: Seen): Bare => ({
  type: 'state',
  id: actor.id,
  state: placeOf(seen.value),
  status: (isContainer(actor) && seen.hasTag && statusOf({ hasTag: (tag) => seen.hasTag?.(tag) === true })) || null,
});

function actorOf(actor: Actor): Bare<ActorLine> {
  const parent = actor._parent?.sessionId;
  return {
    type: 'actor',
    actor: actor.sessionId,
    id: actor.id,
    ...(parent !== undefined && { parent }),
    src: typeof actor.src === 'string' ? actor.src : (machineOf(actor) ?? actor.id),
    status: 'active',
  };
}

function snapshotOf(actor: Actor, event: TypedEvent, seen: Seen): Bare<SnapshotLine> {
  const { status, value, output, error } = seen;
  return {
    type: 'snapshot',
    actor: actor.sessionId,
    event: { type: event.type },
    status,
    ...(value !== undefined && { value }),
    ...(output !== undefined && isToldResult(String(actor.src)) && { output }),
    ...(error !== undefined && { error: messageOf(error) }),
  };
}

function failureOf(actor: Actor, { type, during = '', error }: Emitted): Bare {
  if (type === 'warned') return { type: 'warning', message: `${during}: ${messageOf(error)}` };
  const code = codeOf(error);
  const failure: Bare<FailureLine> = { type: 'failure', id: actor.id, during, message: messageOf(error) };
  return code === undefined ? failure : { ...failure, code };
}
