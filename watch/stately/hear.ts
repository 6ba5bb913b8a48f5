/**
 * Makes lines of what a program's own inspector sends: `createWebSocketInspector` of @statelyai/inspect. Machines of
 * other kinds than ours are heard too, but only a container's becomes a container of the page.
 */

import { placeOf } from '../../machines/place.ts';
import { toldEvent } from '../../runtime/telling/events.ts';
import { withoutValues } from '../../runtime/telling/redact.ts';
import { runName } from '../../runtime/telling/teller.ts';
import { STATUSES } from '../../spec/record.ts';
import type { Status } from '../../spec/types.ts';
import type { Line, TypedEvent } from '../../spec/watch/lines.ts';
import { isLine } from '../heard/read-line.ts';

type Members = Readonly<Record<string, unknown>>;

/** One program. */
export class StatelyHearer {
  readonly #run: string;
  readonly #withValues: boolean;
  /** The ids of its container machines, by their session ids. */
  readonly #containers = new Map<string, string>();
  readonly #values = new Map<string, string>();

  constructor(withValues: boolean, count: number) {
    this.#run = `${runName(0)}.${count}`;
    this.#withValues = withValues;
  }

  get run(): string {
    return this.#run;
  }

  /** @returns no lines for what is no message of the protocol */
  lines(text: string): readonly Line[] {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return [];
    }
    if (!isMembers(value)) return [];
    const milliseconds = Number(value.createdAt);
    const at = Number.isFinite(milliseconds) ? milliseconds / 1000 : 0;
    return this.#barely(value)
      .map((line) => ({ ...line, at, run: this.#run }))
      .filter(isLine);
  }

  #barely(value: Members): readonly Members[] {
    const { type, sessionId: actor } = value;
    if (type === '@xstate.actor') return [this.#actor(value)];
    if (type === '@xstate.event') return [this.#event(value)];
    if (type !== '@xstate.snapshot' || typeof actor !== 'string' || !isMembers(value.snapshot)) return [];
    return this.#snapshot(actor, value, value.snapshot);
  }

  #actor({ sessionId: actor, name: id, parentId, definition }: Members): Members {
    const src = machineIn(definition) ?? String(id);
    if (src === 'container' && parentId === undefined) this.#containers.set(String(actor), String(id));
    return {
      type: 'actor',
      actor,
      id,
      ...(typeof parentId === 'string' && { parent: parentId }),
      src,
      status: 'active',
    };
  }

  #event({ sessionId: actor, event, sourceId }: Members): Members {
    const told = isTyped(event) ? toldEvent(event) : undefined;
    return { type: 'event', actor, event: told, ...(typeof sourceId === 'string' && { from: sourceId }) };
  }

  #snapshot(actor: string, { event }: Members, { status, value, context, error }: Members): readonly Members[] {
    const told = isTyped(event) ? { type: event.type } : undefined;
    const snapshot = {
      type: 'snapshot',
      actor,
      event: told,
      status,
      value,
      ...(error !== undefined && { error: textOf(error) }),
    };
    const id = this.#containers.get(actor);
    if (id === undefined) return [snapshot];
    const record = isMembers(context) ? this.#record(context) : {};
    const lines = [snapshot, { type: 'record', actor, id, record }];
    const state = placeOf(value);
    if (this.#values.get(actor) === state) return lines;
    this.#values.set(actor, state);
    return [{ type: 'state', id, state, status: statusOf(state) }, ...lines];
  }

  #record({ effects: _, restoration: __, ...record }: Members): Members {
    return this.#withValues ? record : withoutValues(record);
  }
}

/** A snapshot as JSON has no tags. The chart's top states have their status's name but for these. */
function statusOf(state: string): Status | null {
  const [top = ''] = state.split('.');
  const others: Readonly<Record<string, Status>> = {
    restoring: 'creating',
    unwinding: 'creating',
    starting: 'created',
    checkpointing: 'running',
    deleting: 'stopped',
  };
  return STATUSES.find((status) => status === top) ?? others[top] ?? null;
}

function machineIn(definition: unknown): string | undefined {
  if (typeof definition !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(definition);
    return isMembers(value) && typeof value.id === 'string' && isMembers(value.states) ? value.id : undefined;
  } catch {
    return undefined;
  }
}

const textOf = (error: unknown): string =>
  isMembers(error) && typeof error.message === 'string' ? error.message : JSON.stringify(error);

const isTyped = (event: unknown): event is TypedEvent => isMembers(event) && typeof event.type === 'string';

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
