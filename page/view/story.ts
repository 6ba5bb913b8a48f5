/** Shows the chosen container: what it is, why it failed, and what each command did with it. */

import type { Summary } from '../../spec/watch/messages.ts';
import { clean } from '../clean.ts';
import type { Run } from '../lives.ts';
import { storyOf } from '../story.ts';
import { clock } from '../time.ts';
import { make } from './dom.ts';
import { type RecordState, recordOf } from './record.ts';
import { runElement } from './run.ts';
import { badge, lookOf } from './status.ts';

/** So many commands are shown at first: the last ones. */
const AT_FIRST = 30;
/** Of a failure's message, since it is what the reader came for. */
const LONGEST_MESSAGE = 2000;

export interface Told {
  readonly key: string;
  readonly summary: Summary;
  readonly runs: readonly Run[];
  readonly record: RecordState;
}

interface Made {
  readonly element: HTMLDetailsElement;
  readonly lines: number;
  /** Whether it was opened since it was the last one, not by the reader. */
  byItself: boolean;
}

export class StoryView {
  readonly #room: HTMLElement;
  readonly #onAsk: () => void;
  readonly #head = make('div', { class: 'story-head' });
  readonly #older = make('button', { type: 'button', class: 'older' });
  readonly #runs = make('div', { class: 'runs' });
  readonly #record = make('details', { class: 'record' }, make('summary', {}, 'Record'));
  /** The element of each run, and of how many lines it was made. */
  #made = new Map<Run, Made>();
  #key: string | undefined;
  #all = false;
  #headText = '';
  #recordShown: RecordState;

  /** @param onAsk the reader wants to see the record */
  constructor(room: HTMLElement, onAsk: () => void) {
    this.#room = room;
    this.#onAsk = onAsk;
    this.#older.addEventListener('click', () => {
      this.#all = true;
      this.#room.dispatchEvent(new Event('again'));
    });
    this.#record.addEventListener('toggle', () => {
      if (this.#record.open) this.#onAsk();
    });
  }

  show(told: Told | undefined, empty: string): void {
    if (told === undefined) {
      this.#key = undefined;
      this.#headText = '';
      this.#made.clear();
      this.#room.replaceChildren(make('p', { class: 'empty' }, empty));
      return;
    }
    if (told.key !== this.#key) this.#begin(told.key);
    this.#showHead(told.summary);
    this.#showRuns(told.runs);
    this.#showRecord(told.record);
  }

  /** A record that is the same stays: the reader may have unfolded it. */
  #showRecord(record: RecordState): void {
    if (record === this.#recordShown) return;
    const isSame = JSON.stringify(record) === JSON.stringify(this.#recordShown);
    this.#recordShown = record;
    if (!isSame) this.#record.replaceChildren(make('summary', {}, 'Record'), recordOf(record));
  }

  #begin(key: string): void {
    this.#key = key;
    this.#all = false;
    this.#made = new Map();
    this.#headText = '';
    this.#recordShown = undefined;
    // A reader who looked at one record looks at the next one, too.
    if (this.#record.open) this.#onAsk();
    this.#record.replaceChildren(make('summary', {}, 'Record'));
    this.#runs.replaceChildren();
    this.#room.replaceChildren(this.#head, this.#record, this.#older, this.#runs);
    this.#room.scrollTop = 0;
  }

  #showHead(summary: Summary): void {
    const text = JSON.stringify(summary);
    if (text === this.#headText) return;
    this.#headText = text;
    // What the reader has open follows.
    if (this.#record.open) this.#onAsk();
    const { id, place, pid, created, bundle, owner, annotations, engine, root } = summary;
    const failure = presentFailure(summary);
    const look = lookOf(summary);
    const facts: readonly (readonly [name: string, value: string | undefined])[] = [
      ['state', place === look ? undefined : place],
      ['pid', pid === undefined || pid === 0 || summary.status === null ? undefined : String(pid)],
      ['created', created?.replace(/\.\d+/, '')],
      ['bundle', bundle],
      ['owner', owner === undefined || owner === 0 ? undefined : `uid ${owner}`],
      ['engine', engine],
      ['state root', root],
    ];
    const names = Object.entries(annotations ?? {});
    this.#head.replaceChildren(
      make('h3', { class: 'id' }, clean(id, 300)),
      badge(look),
      ...(failure === undefined
        ? []
        : [
            make(
              'div',
              { class: 'failure' },
              make('p', {}, make('strong', {}, `${clean(failure.during, 100)} failed`), ` at ${clock(failure.at)}`),
              make('p', { class: 'message' }, clean(failure.message, LONGEST_MESSAGE)),
            ),
          ]),
      make(
        'dl',
        { class: 'facts' },
        ...facts.flatMap(([name, value]) => (value === undefined ? [] : [pair(name, value)])),
      ),
      ...(names.length === 0
        ? []
        : [
            make(
              'details',
              { class: 'annotations' },
              make('summary', {}, `${names.length} annotation${names.length === 1 ? '' : 's'}`),
              make(
                'dl',
                { class: 'facts' },
                ...names.slice(0, 200).map(([name, value]) => pair(name, value ?? '(left out)')),
              ),
            ),
          ]),
    );
  }

  #showRuns(runs: readonly Run[]): void {
    const some = this.#all ? runs : runs.slice(-AT_FIRST);
    this.#older.hidden = some.length === runs.length;
    this.#older.textContent = `Show ${runs.length - some.length} earlier commands`;
    const made = new Map<Run, Made>();
    for (const [index, run] of some.entries()) {
      const before = this.#made.get(run);
      const isLast = index === some.length - 1;
      if (before?.byItself && !isLast && run.end?.status === 0) before.element.open = false;
      made.set(run, before?.lines === run.lines.length ? before : madeOf(run, before, isLast));
    }
    const same =
      made.size === this.#made.size &&
      [...made].every(([run, { element }]) => this.#made.get(run)?.element === element);
    this.#made = made;
    // The newest comes first: it is what the reader waits for.
    if (!same) this.#runs.replaceChildren(...[...made.values()].map(({ element }) => element).reverse());
  }
}

function madeOf(run: Run, before: Made | undefined, isLast: boolean): Made {
  const open = before?.element.open ?? (isLast || (run.end?.status ?? 1) !== 0);
  const element = runElement(storyOf(run), open);
  const made: Made = { element, lines: run.lines.length, byItself: before?.byItself ?? isLast };
  element.querySelector('summary')?.addEventListener('click', () => {
    made.byItself = false;
  });
  return made;
}

/** A failure is of interest as long as nothing has followed it. */
function presentFailure({ failure, last, place }: Summary): Summary['failure'] {
  return failure?.run === last?.run || place === 'failed' ? failure : undefined;
}

const pair = (name: string, value: string): HTMLElement =>
  make('div', {}, make('dt', {}, clean(name, 120)), make('dd', {}, clean(value, 600)));
