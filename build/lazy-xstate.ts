/**
 * Makes XState format a state's transitions when the state is first asked for them. It does so for every state as soon as
 * a machine is made, and a command comes by few of them: half of what making the lifecycle machine costs.
 *
 * XState's ES module is taken, in its build for production: Bun would choose the CommonJS one for development.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BunPlugin } from './bun.ts';

const DIST = join(import.meta.dirname, '../node_modules/xstate/dist');

/** A property that is computed when it is first read, and a plain one from then on. */
const lazily = (object: string, name: string, value: string): string =>
  `Object.defineProperty(${object}, '${name}', { configurable: true, enumerable: true, get() {
      const value = ${value};
      Object.defineProperty(this, '${name}', { value, configurable: true, enumerable: true, writable: true });
      return value;
    } });`;

const CHANGES: readonly (readonly [eager: string, lazy: string])[] = [
  ['this.transitions = formatTransitions(this);', lazily('this', 'transitions', 'formatTransitions(this)')],
  ['this.events = this.root.events;', lazily('this', 'events', 'this.root.events')],
];

/** @throws when the module no longer looks as we know it: the transform wants a look after an update of XState */
export function makeLazy(source: string): string {
  return CHANGES.reduce((changed, [eager, lazy]) => {
    if (changed.split(eager).length !== 2) throw new Error(`xstate's StateMachine: no \`${eager}\` found`);
    return changed.replace(eager, () => lazy);
  }, source);
}

export const lazyXstate: BunPlugin = {
  name: 'lazy-xstate',
  setup(builder) {
    builder.onResolve({ filter: /^xstate$/ }, () => ({ path: join(DIST, 'xstate.esm.js'), namespace: 'file' }));
    builder.onLoad({ filter: /[/\\]xstate[/\\]dist[/\\]StateMachine-[\da-f]+\.esm\.js$/ }, async ({ path }) => ({
      contents: makeLazy(await readFile(path, 'utf8')),
      loader: 'js',
    }));
  },
};
