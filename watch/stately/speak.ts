/** Makes messages for Stately inspectors of the lines that commands tell. */

import type { ActorLine, Line, RecordLine, SnapshotLine } from '../../spec/watch/lines.ts';
import { definitionOf } from './definitions.ts';
import { STATELY_VERSION, type StatelyMessage, type StatelySnapshot } from './protocol.ts';

interface KnownActor {
  readonly line: ActorLine;
  readonly root: string;
  snapshot: StatelySnapshot;
}

/** How many actors are remembered for inspectors that come later. */
const ACTORS_KEPT = 500;

export class StatelySpeaker {
  readonly #actors = new Map<string, KnownActor>();
  /** Those of machines, which are long and always the same. */
  readonly #definitions = new Map<string, string>();

  /** The actors that are known, for an inspector that has just come. */
  get present(): readonly StatelyMessage[] {
    return [...this.#actors].map(([sessionId, known]) => this.#actorMessage(sessionId, known));
  }

  messages(line: Line): readonly StatelyMessage[] {
    switch (line.type) {
      case 'actor':
        return [this.#begin(line)];
      case 'event':
        return this.#about(line, line.actor, (base) => ({
          ...base,
          type: '@xstate.event',
          event: line.event,
          sourceId: line.from === undefined ? undefined : sessionOf(line.run, line.from),
        }));
      case 'snapshot':
        return this.#snapshot(line);
      case 'record':
        this.#note(line);
        return [];
      default:
        return [];
    }
  }

  #begin(line: ActorLine): StatelyMessage {
    const sessionId = sessionOf(line.run, line.actor);
    const parent = line.parent === undefined ? undefined : this.#actors.get(sessionOf(line.run, line.parent));
    const known = { line, root: parent?.root ?? sessionId, snapshot: { status: 'active' } };
    this.#actors.set(sessionId, known);
    for (const oldest of this.#actors.keys()) {
      if (this.#actors.size <= ACTORS_KEPT) break;
      this.#actors.delete(oldest);
    }
    return this.#actorMessage(sessionId, known);
  }

  #actorMessage(sessionId: string, { line, root, snapshot }: KnownActor): StatelyMessage {
    return {
      ...baseOf(sessionId, root, line.at),
      type: '@xstate.actor',
      name: line.id,
      definition: this.#definitionOf(line),
      parentId: line.parent === undefined ? undefined : sessionOf(line.run, line.parent),
      snapshot,
    };
  }

  #definitionOf({ src, id, parent }: ActorLine): string {
    if (parent !== undefined) return definitionOf(src, id);
    const known = this.#definitions.get(src) ?? definitionOf(src, id);
    if (src === 'container' || src === 'exec') this.#definitions.set(src, known);
    return known;
  }

  #snapshot(line: SnapshotLine): readonly StatelyMessage[] {
    const known = this.#actors.get(sessionOf(line.run, line.actor));
    if (known === undefined) return [];
    const { status, value, output, error } = line;
    const { context } = known.snapshot;
    known.snapshot = {
      status,
      ...(value !== undefined && { value }),
      ...(context !== undefined && { context }),
      ...(output !== undefined && { output }),
      ...(error !== undefined && { error }),
    };
    const { snapshot } = known;
    return this.#about(line, line.actor, (base) => ({
      ...base,
      type: '@xstate.snapshot',
      event: line.event,
      snapshot,
    }));
  }

  /** A config is told once, and belongs to the records that come after it. */
  #note({ run, actor, record }: RecordLine): void {
    const known = this.#actors.get(sessionOf(run, actor));
    if (known === undefined) return;
    const before = known.snapshot.context;
    known.snapshot = { ...known.snapshot, context: { ...(typeof before === 'object' ? before : {}), ...record } };
  }

  #about(line: Line, actor: string, make: (base: ReturnType<typeof baseOf>) => StatelyMessage): StatelyMessage[] {
    const sessionId = sessionOf(line.run, actor);
    const known = this.#actors.get(sessionId);
    return known === undefined ? [] : [make(baseOf(sessionId, known.root, line.at))];
  }
}

/** Session ids are unique in a process only. */
const sessionOf = (run: string, actor: string): string => `${run}:${actor}`;

const baseOf = (sessionId: string, rootId: string, at: number) => ({
  rootId,
  sessionId,
  createdAt: String(Math.round(at * 1000)),
  id: null,
  _version: STATELY_VERSION,
});
