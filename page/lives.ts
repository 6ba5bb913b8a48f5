/** What the page knows: containers, and the runs of the commands that worked on them. The server tells it. */

import type { CommandLine, EndLine, Line } from '../spec/watch/lines.ts';
import type { Hello, RecordAnswer, Summary, ToPage } from '../spec/watch/messages.ts';

/** What one command did. */
export interface Run {
  readonly run: string;
  readonly root: string;
  /** The container that it worked on. */
  id: string;
  command?: CommandLine;
  end?: EndLine;
  readonly lines: Line[];
}

/** A container that changed its place in the chart. */
export interface Move {
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

/** With more containers than this, the ones that were gone first are forgotten. */
const MOST_CONTAINERS = 1000;
/** More lines than this are not kept: the oldest runs go first. */
const MOST_LINES = 30_000;
/** Of one run, as many: a trace of a command may have very many calls. */
const MOST_OF_RUN = 12_000;

export class Lives {
  hello: Hello | undefined;
  /** By `keyOf`. */
  readonly containers = new Map<string, Summary>();
  readonly records = new Map<string, RecordAnswer>();
  /** When each container came to its place, in seconds since the epoch. */
  readonly since = new Map<string, number>();
  readonly #runs = new Map<string, Run>();
  readonly #runsOf = new Map<string, Run[]>();
  readonly #places = new Map<string, string>();
  #count = 0;
  #moves: Move[] = [];

  /** @returns whether it was a message that says something */
  take(message: ToPage): boolean {
    if (message.type === 'runchart.hello') this.#begin(message);
    else if (message.type === 'runchart.containers')
      for (const summary of message.containers) this.#setSummary(summary);
    else if (message.type === 'runchart.lines') for (const line of message.lines) this.#addLine(line);
    else if (message.type === 'runchart.record') this.records.set(keyOf(message.root, message.id), message);
    else return false;
    return true;
  }

  /** The runs of a container, the oldest first. */
  runsOf(key: string): readonly Run[] {
    return this.#runsOf.get(key) ?? [];
  }

  /** What moved since this was asked last. */
  takeMoves(): readonly Move[] {
    const moves = this.#moves;
    this.#moves = [];
    return moves;
  }

  /** The server tells all there is after its greeting. */
  #begin(hello: Hello): void {
    this.hello = hello;
    for (const map of [this.containers, this.records, this.since, this.#runs, this.#runsOf, this.#places]) map.clear();
    this.#count = 0;
    this.#moves = [];
  }

  #setSummary(summary: Summary): void {
    this.containers.set(keyOf(summary.root, summary.id), summary);
    if (this.containers.size > MOST_CONTAINERS) this.#forgetGone();
  }

  /** Those that are there are never forgotten. */
  #forgetGone(): void {
    const gone = [...this.containers].filter(([, { status }]) => status === null);
    for (const [key] of gone.slice(0, Math.ceil(MOST_CONTAINERS / 10)))
      for (const map of [this.containers, this.records, this.since, this.#places]) map.delete(key);
  }

  #addLine(line: Line): void {
    if (typeof line !== 'object' || line === null || typeof line.run !== 'string') return;
    const run = this.#runFor(line);
    if (line.type === 'command') run.command = line;
    if (line.type === 'end') run.end = line;
    const id = line.type === 'command' ? line.id : 'id' in line && line.type !== 'actor' ? line.id : undefined;
    if (run.id === '' && id !== undefined) this.#adopt(run, id);
    if (line.type === 'state' && line.id === run.id) this.#setPlace(keyOf(run.root, run.id), line.state, line.at);
    if (!isShown(line)) return;
    run.lines.push(line);
    this.#count++;
    if (run.lines.length > MOST_OF_RUN) {
      run.lines.splice(0, MOST_OF_RUN / 10);
      this.#count -= MOST_OF_RUN / 10;
    }
    if (this.#count > MOST_LINES) this.#forgetOldest();
  }

  #runFor(line: Line): Run {
    // What the watcher saw by itself belongs to no command: each container has such a run of its own.
    const own = line.run === '' && 'id' in line ? String(line.id) : '';
    const name = line.run === '' ? `\0${line.root ?? ''}\0${own}` : line.run;
    const known = this.#runs.get(name);
    if (known !== undefined) return known;
    const run: Run = { run: line.run, root: line.root ?? '', id: '', lines: [] };
    this.#runs.set(name, run);
    return run;
  }

  #adopt(run: Run, id: string): void {
    // A process of exec has a machine of its own, which is called so.
    run.id = id.startsWith('exec in ') ? id.slice('exec in '.length) : id;
    const key = keyOf(run.root, run.id);
    const runs = this.#runsOf.get(key);
    if (runs === undefined) this.#runsOf.set(key, [run]);
    else runs.push(run);
  }

  #setPlace(key: string, place: string, at: number): void {
    const last = this.#places.get(key);
    if (last === place) return;
    this.#places.set(key, place);
    this.since.set(key, at);
    // What happened before the page came is no move that it can show.
    const isNew = this.hello?.live === false || at >= (this.hello?.now ?? 0);
    if (last !== undefined && isNew) this.#moves.push({ key, from: last, to: place });
    const summary = this.containers.get(key);
    if (summary !== undefined && summary.place !== place) this.containers.set(key, { ...summary, place });
  }

  #forgetOldest(): void {
    const [oldest] = this.#runs;
    if (oldest === undefined) return;
    const [name, run] = oldest;
    this.#runs.delete(name);
    this.#count -= run.lines.length;
    const key = keyOf(run.root, run.id);
    const left = this.#runsOf.get(key)?.filter((one) => one !== run) ?? [];
    if (left.length === 0) this.#runsOf.delete(key);
    else this.#runsOf.set(key, left);
  }
}

/** A container is known by its state root and its id. */
export const keyOf = (root: string, id: string): string => `${root}\0${id}`;

/** XState's own inspection is for its inspectors; the same is told by lines that are easier to read. */
const isShown = ({ type }: Line): boolean => !['actor', 'event', 'snapshot', 'record'].includes(type);
