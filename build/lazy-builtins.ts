/**
 * Makes the engine load a module of Node's when it is first called, not when it is imported.
 *
 * An import is made at start-up, wherever in the sources it stands: `node:fs` alone costs every command 1 ms, although
 * only a failure, a log file or a cold path may need it. Here each of our own imports of a module of Node's gets
 * functions that load the module on the first call. What is no function can't be put off, but goes if nobody uses it.
 */
import { readFile } from 'node:fs/promises';
import type { BunPlugin } from './bun.ts';

const NAMESPACE = 'lazy-builtin';
const PREFIX = 'lazy-builtin:';
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
/** A class can't be called through a function. */
const CLASS = /^[A-Z]/;

/** @returns the source of a module with the exports of Node's module of that name */
export function lazyModule(name: string, module: Readonly<Record<string, unknown>>): string {
  const load = `process.getBuiltinModule(${JSON.stringify(name)})`;
  const exports = Object.entries(module)
    .filter(([key]) => IDENTIFIER.test(key) && key !== 'default')
    .map(([key, value]) =>
      typeof value === 'function' && !CLASS.test(key)
        ? `export { $${key} as ${key} };\nfunction $${key}(...args) { return ${load}.${key}(...args); }`
        : `export { $${key} as ${key} };\nconst $${key} = /* @__PURE__ */ (() => ${load}.${key})();`,
    );
  return [...exports, `export default /* @__PURE__ */ (() => ${load})();`].join('\n');
}

/** Bun's plugins don't get to see imports of `node:`, so those in our sources are given another name first. */
export function renameImports(source: string): string {
  return source.replace(/\bfrom '(node:[\w/]+)';$/gm, `from '${PREFIX}$1';`);
}

export const lazyBuiltins: BunPlugin = {
  name: 'lazy-builtins',
  setup(builder) {
    builder.onLoad({ filter: /^(?!.*\/node_modules\/).*\.ts$/ }, async ({ path }) => ({
      contents: renameImports(await readFile(path, 'utf8')),
      loader: 'ts',
    }));
    builder.onResolve({ filter: new RegExp(`^${PREFIX}`) }, ({ path }) => ({
      path: path.slice(PREFIX.length),
      namespace: NAMESPACE,
    }));
    builder.onLoad({ filter: /.*/, namespace: NAMESPACE }, async ({ path }) => ({
      contents: lazyModule(path, await import(path)),
      loader: 'js',
    }));
  },
};
