/**
 * What a watcher knows: the containers, the runs of commands, and what happened last. It takes lines from wherever they
 * come, and tells its listeners of them and of the containers that they change.
 */

import type { Line } from '../../spec/watch/lines.ts';
import type { Summary } from '../../spec/watch/messages.ts';
import { History } from './history.ts';
import { type KnownRun, Summaries } from './summaries.ts';

export interface HubListener {
  lines(lines: readonly Line[]): void;
  containers(changed: readonly Summary[]): void;
}

/** How many runs that have ended are remembered. */
const RUNS_KEPT = 5000;

export class Hub {
  readonly history = new History();
  readonly #summaries = new Summaries();
  readonly #runs = new Map<string, KnownRun>();
  readonly #listeners = new Set<HubListener>();

  get containers(): readonly Summary[] {
    return this.#summaries.all;
  }

  /** @returns what removes the listener again */
  listen(listener: HubListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Takes what happened.
   * @param root the state root of the containers. Without it, each line says it; those of a trace do by their command
   */
  take(lines: readonly Line[], root?: string): void {
    const changed = new Set<Summary>();
    const told = lines.map((line): Line => {
      const own = root ?? line.root ?? this.#runs.get(line.run)?.root ?? '';
      const rooted: Line = { ...line, root: own };
      const run = this.#runOf(own, rooted);
      for (const summary of this.#summaries.note(own, rooted, run)) changed.add(summary);
      this.history.add(rooted);
      return rooted;
    });
    this.#tell(told, [...changed]);
  }

  /** A run whose command is gone without having told its end: it was killed. */
  over(root: string, run: string, at: number): void {
    const known = this.#runs.get(run);
    if (known !== undefined && !known.isOver) this.take([{ type: 'end', at, run }], root);
  }

  /** Takes what the state root itself shows of its containers, whichever command made them so. */
  look(root: string, seen: ReadonlyMap<string, Partial<Summary> & Pick<Summary, 'status'>>, at: number): void {
    const busy = new Set([...this.#runs.values()].filter((run) => isChanging(run, root)).map(({ id }) => id));
    const { changed, lines } = this.#summaries.look(root, seen, busy, at);
    for (const line of lines) this.history.add(line);
    this.#tell(lines, changed);
  }

  #runOf(root: string, line: Line): KnownRun | undefined {
    if (line.type === 'command') {
      const { run, command, id, at } = line;
      this.#runs.set(run, { root, run, command, id, at, isOver: false, hasFailed: false });
      for (const [name, { isOver }] of this.#runs) {
        if (this.#runs.size <= RUNS_KEPT) break;
        if (isOver) this.#runs.delete(name);
      }
    }
    return this.#runs.get(line.run);
  }

  #tell(lines: readonly Line[], changed: readonly Summary[]): void {
    for (const listener of this.#listeners) {
      if (changed.length > 0) listener.containers(changed);
      if (lines.length > 0) listener.lines(lines);
    }
  }
}

/** Whether a command may be about to change its container: it will tell so itself. */
const isChanging = (run: KnownRun, root: string): boolean => run.root === root && !run.isOver && run.command !== 'exec';
