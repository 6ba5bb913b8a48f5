/** Shows a container's record, as state.json has it: a tree that is unfolded where one wants to read. */

import type { RecordAnswer } from '../../spec/watch/messages.ts';
import { clean } from '../clean.ts';
import { make } from './dom.ts';

/** `asked` while its answer is awaited. */
export type RecordState = RecordAnswer | 'asked' | undefined;

/** Of a list or an object, so many members are shown. */
const MOST = 300;

export function recordOf(state: RecordState): HTMLElement {
  if (state === undefined) return make('p', { class: 'empty' }, '');
  if (state === 'asked') return make('p', { class: 'empty' }, 'Asking…');
  if (state.problem !== undefined) return make('p', { class: 'note bad' }, clean(state.problem, 2000));
  if (state.record === null) return make('p', { class: 'empty' }, 'There is no record: the container is gone.');
  return tree(state.record);
}

function tree(value: object): HTMLElement {
  const members = Object.entries(value);
  const list = make('ul', { class: 'tree' }, ...members.slice(0, MOST).map(([name, member]) => branch(name, member)));
  if (members.length > MOST) list.append(make('li', {}, `… ${members.length - MOST} more`));
  return list;
}

function branch(name: string, value: unknown): HTMLElement {
  const label = make('span', { class: 'name' }, clean(name, 200));
  if (typeof value !== 'object' || value === null)
    return make('li', {}, label, ' ', make('span', { class: 'value' }, clean(wordFor(value), 1000)));
  const members = Object.keys(value).length;
  const size = Array.isArray(value) ? `[${members}]` : `{${members}}`;
  if (members === 0) return make('li', {}, label, ' ', make('span', { class: 'value' }, size));
  const details = make('details', {}, make('summary', {}, label, ' ', make('span', { class: 'value' }, size)));
  details.addEventListener('toggle', () => {
    if (details.open && details.children.length === 1) details.append(tree(value));
  });
  return make('li', {}, details);
}

const wordFor = (value: unknown): string => (value === null ? '(left out)' : (JSON.stringify(value) ?? String(value)));
