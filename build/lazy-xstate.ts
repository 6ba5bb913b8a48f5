/**
 * Makes XState do less work at a time, with the same results. A command makes one machine, walks through a dozen of its
 * states, and runs each line of XState for the first time, without a JIT. These changes save 1.5 of the 5 ms that
 * XState takes in a `run`.
 *
 * - A transition is formatted when its event comes, not with all others as soon as there is a machine.
 * - A snapshot that differs from the one before only in its context keeps that one's state value and tags, instead of
 * finding them anew.
 * - A set becomes an array by spreading. JavaScriptCore's Array.from is a function in JavaScript, and compiling it on
 * first use takes 0.15 ms.
 * - If a snapshot has no child actors, its context (a whole config.json) is not searched for references to them.
 * - Features that most machines do not use (escaped dots, partial wildcards, inline actors, parallel states) are asked
 * for before they are dealt with.
 *
 * XState's ES module in its build for production is taken. Bun would choose the CommonJS one for development.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BunPlugin } from './bun.ts';

const DIST = join(import.meta.dirname, '../node_modules/xstate/dist');

/** An own property that is computed when it is first read, and is an ordinary one from then on. */
const lazily = (object: string, name: string, value: string): string =>
  `Object.defineProperty(${object}, '${name}', { configurable: true, enumerable: true, get() {
      const value = ${value};
      Object.defineProperty(this, '${name}', { value, configurable: true, enumerable: true, writable: true });
      return value;
    } });`;

/** The same for all objects of a class. */
const lazyMember = (name: string, value: string): string => `
  get ${name}() {
    const value = ${value};
    Object.defineProperty(this, '${name}', { value, configurable: true, enumerable: true, writable: true });
    return value;
  }`;

const LAZY_MAP = `
class LazyMap extends Map {
  get(key) {
    const made = super.get(key);
    if (typeof made !== 'function') return made;
    const value = made();
    super.set(key, value);
    return value;
  }
  *entries() {
    for (const key of super.keys()) yield [key, this.get(key)];
  }
  *values() {
    for (const key of super.keys()) yield this.get(key);
  }
  [Symbol.iterator]() {
    return this.entries();
  }
  forEach(action, self) {
    for (const [key, value] of this) action.call(self, value, key, this);
  }
}
`;

/** What `_initialize` of a state node computes. */
const ALWAYS =
  'this.config.always ? ' +
  'toTransitionConfigArray(this.config.always).map(t => formatTransition(this, NULL_EVENT, t)) : undefined';

interface Change {
  readonly from: string;
  readonly to: string;
  /** How often it occurs; once if this is absent. */
  readonly times?: number;
}

/** The changes, by the name of XState's module without its hash. */
export const CHANGES = {
  StateMachine: [
    { from: '    this.transitions = void 0;\n', to: '' },
    { from: '    this.transitions = formatTransitions(this);\n', to: '' },
    { from: '    this.always = void 0;\n', to: '' },
    { from: '    this.root._initialize();\n', to: '' },
    {
      from: '  /** The well-structured state node definition. */\n',
      to: `${lazyMember('transitions', 'formatTransitions(this)')}${lazyMember('always', ALWAYS)}\n`,
    },
    { from: '_nodes: Array.from(getAllStateNodes(', to: '_nodes: Array.of(...getAllStateNodes(' },
    { from: 'this.events = this.root.events;', to: lazily('this', 'events', 'this.root.events') },
    {
      from: '    reviveContext(restoredSnapshot.context, children);\n',
      to: '    if (Object.keys(children).length > 0) reviveContext(restoredSnapshot.context, children);\n',
    },
  ],
  raise: [
    { from: 'return removeConflictingTransitions(Array.from(', to: 'return removeConflictingTransitions(Array.of(...' },
    { from: '    tags: Array.from(tags)\n', to: '    tags: [...tags]\n' },
    {
      from: 'function formatTransitions(stateNode) {\n  const transitions = new Map();\n',
      to: `${LAZY_MAP}function formatTransitions(stateNode) {\n  const transitions = new LazyMap();\n`,
    },
    {
      from: 'transitions.set(descriptor, toTransitionConfigArray(',
      to: 'transitions.set(descriptor, () => toTransitionConfigArray(',
      times: 5,
    },
    {
      from: '  const wildcardCandidates = [...stateNode.transitions.keys()].filter(',
      to: `  const isWild = key =>
    key.endsWith('*') && key !== receivedEventType && matchesEventDescriptor(receivedEventType, key);
  const wild = [...stateNode.transitions.keys()].filter(isWild);
  if (wild.length < 2) return [...exactMatch ?? [], ...wild.length ? stateNode.transitions.get(wild[0]) : []];
  const wildcardCandidates = wild.filter(`,
    },
    {
      from: 'function cloneMachineSnapshot(snapshot, config = {}) {\n',
      to: `function cloneMachineSnapshot(snapshot, config = {}) {
  if (config._nodes === undefined) return { ...snapshot, ...config };\n`,
    },
    {
      from: '  const match = src.match(',
      to: `  if (!src.startsWith('xstate.invoke.')) return machine.implementations.actors[src];
  const match = src.match(`,
    },
    {
      from: `  const result = [];\n  let segment = '';\n`,
      to: `  if (!stateId.includes('\\\\')) return stateId.split('.');\n  const result = [];\n  let segment = '';\n`,
    },
    {
      from: '  const filteredTransitions = new Set();\n',
      to: `  if (enabledTransitions.length < 2) return enabledTransitions;
  const filteredTransitions = new Set();\n`,
    },
  ],
} as const satisfies Readonly<Record<string, readonly Change[]>>;

/** @throws if the module no longer looks as we know it; then this transform must be revised for the new XState */
export function makeLazy(source: string, changes: readonly Change[]): string {
  return changes.reduce((changed, { from, to, times = 1 }) => {
    if (changed.split(from).length !== times + 1) throw new Error(`xstate has no \`${from.trim()}\` (${times} times)`);
    return changed.replaceAll(from, () => to);
  }, source);
}

/** XState's modules whose names begin with `name`. */
export const modulesOf = (name: string): RegExp =>
  new RegExp(String.raw`[/\\]xstate[/\\]dist[/\\]${name}-[\da-f]+\.esm\.js$`);

export const lazyXstate: BunPlugin = {
  name: 'lazy-xstate',
  setup(builder) {
    builder.onResolve({ filter: /^xstate$/ }, () => ({ path: join(DIST, 'xstate.esm.js'), namespace: 'file' }));
    // The graph walks the same machine, so it must have the same modules.
    const graph = join(DIST, 'xstate-graph.esm.js');
    builder.onResolve({ filter: /^xstate\/graph$/ }, () => ({ path: graph, namespace: 'file' }));
    for (const [name, changes] of Object.entries(CHANGES))
      builder.onLoad({ filter: modulesOf(name) }, async ({ path }) => ({
        contents: makeLazy(await readFile(path, 'utf8'), changes),
        loader: 'js',
      }));
  },
};
