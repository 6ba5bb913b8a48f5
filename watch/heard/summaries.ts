/** The containers as the page lists them, made of lines and of what the state root shows. */

import type { EndLine, FailureLine, Line, RecordLine, StateLine } from '../../spec/watch/lines.ts';
import type { Summary } from '../../spec/watch/messages.ts';
import { engineOf } from './engine.ts';

export interface KnownRun {
  readonly root: string;
  readonly run: string;
  readonly command: string;
  /** The container that the command works on. */
  readonly id?: string | undefined;
  readonly at: number;
  isOver: boolean;
  /** A failure has been told. */
  hasFailed: boolean;
}

/** What a look at the state root shows of a container. */
type Seen = Partial<Summary> & Pick<Summary, 'status'>;

/** How many containers that are gone are remembered. */
const GONE_KEPT = 200;

export class Summaries {
  readonly #all = new Map<string, Summary>();

  get all(): readonly Summary[] {
    return [...this.#all.values()];
  }

  /** @returns the containers that the line changes */
  note(root: string, line: Line, run: KnownRun | undefined): readonly Summary[] {
    switch (line.type) {
      case 'command':
        return line.id === undefined ? [] : [this.#change(root, line.id, { last: lastOf(line) })];
      case 'state':
        // A process of exec has a machine of its own.
        return run !== undefined && run.id !== line.id ? [] : [this.#stand(root, line)];
      case 'record':
        return [this.#change(root, line.id, shownOf(line))];
      case 'failure':
        if (run !== undefined) run.hasFailed = true;
        return [this.#change(root, line.id, { failure: failureOf(line) })];
      case 'end':
        return run === undefined ? [] : this.#end(run, line);
      default:
        return [];
    }
  }

  /** @returns the changes, with a line for each container whose state is another one than the commands have told */
  look(
    root: string,
    seen: ReadonlyMap<string, Seen>,
    busy: ReadonlySet<string | undefined>,
    at: number,
  ): { readonly changed: readonly Summary[]; readonly lines: readonly Line[] } {
    const changed: Summary[] = [];
    const lines: Line[] = [];
    const stand = (id: string, status: Summary['status'], more: Partial<Summary>): void => {
      const state = status ?? 'deleted';
      lines.push({ type: 'state', at, run: '', root, id, state, status });
      changed.push(this.#change(root, id, { ...more, status, place: state }));
    };
    for (const [id, shown] of seen) {
      const known = this.#all.get(keyOf(root, id));
      if (!busy.has(id) && known?.status !== shown.status) stand(id, shown.status, shown);
      else if (known !== undefined && known.created === undefined && shown.created !== undefined)
        changed.push(this.#change(root, id, { ...shown, status: known.status }));
    }
    for (const { id, root: own, status } of this.#all.values())
      if (own === root && status !== null && !seen.has(id) && !busy.has(id)) stand(id, null, {});
    return { changed, lines };
  }

  #stand(root: string, { id, state, status }: StateLine): Summary {
    return this.#change(root, id, { status, place: state });
  }

  #end(run: KnownRun, { at, status, error }: EndLine): readonly Summary[] {
    run.isOver = true;
    const { root, id } = run;
    const known = id === undefined ? undefined : this.#all.get(keyOf(root, id));
    if (known === undefined || id === undefined) return [];
    const ended = {
      ended: at,
      ...(status !== undefined && { exit: status }),
      ...(error !== undefined && { error }),
    };
    const last = known.last?.run === run.run ? { last: { ...known.last, ...ended } } : {};
    // The command has failed before or after the machine's own work.
    const failure =
      error !== undefined && !run.hasFailed
        ? { failure: { at, run: run.run, during: run.command, message: error } }
        : {};
    return [this.#change(root, id, { ...last, ...failure })];
  }

  #change(root: string, id: string, change: Partial<Summary>): Summary {
    const key = keyOf(root, id);
    const before = this.#all.get(key) ?? { root, id, status: null, place: 'absent', annotations: {} };
    const summary: Summary = { ...before, ...change, root, id };
    this.#all.set(key, summary);
    this.#forget();
    return summary;
  }

  #forget(): void {
    if (this.#all.size <= GONE_KEPT) return;
    const gone = [...this.#all].filter(([, { status }]) => status === null);
    for (const [key] of gone.slice(0, gone.length - GONE_KEPT)) this.#all.delete(key);
  }
}

const keyOf = (root: string, id: string): string => `${root}\0${id}`;

const lastOf = ({ run, command, at }: { readonly run: string; readonly command: string; readonly at: number }) => ({
  run,
  command,
  at,
});

const failureOf = ({ at, run, during, message }: FailureLine): NonNullable<Summary['failure']> => ({
  at,
  run,
  during,
  message,
});

/** The members of a record that the list shows. */
export function shownOf({ record }: Pick<RecordLine, 'record'>): Partial<Summary> {
  const { init, created, bundle, owner, annotations } = record;
  const pid = isMembers(init) ? init.pid : undefined;
  const names = isMembers(annotations) ? textsOf(annotations) : undefined;
  const engine = names && engineOf(names);
  return {
    ...(typeof pid === 'number' && { pid }),
    ...(typeof created === 'string' && { created }),
    ...(typeof bundle === 'string' && { bundle }),
    ...(typeof owner === 'number' && { owner }),
    ...(names !== undefined && { annotations: names }),
    ...(engine !== undefined && { engine }),
  };
}

const textsOf = (annotations: Readonly<Record<string, unknown>>): Summary['annotations'] =>
  Object.fromEntries(
    Object.entries(annotations).map(([name, value]) => [name, typeof value === 'string' ? value : null]),
  );

const isMembers = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
