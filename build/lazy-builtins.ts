/**
 * Makes the engine load a module of Node when it is first called, not when it is imported.
 *
 * An import is performed at start-up, wherever it stands in the sources. `node:fs` alone costs every command 1 ms,
 * although only a failure, a log file or a rare path may need it. Here each import of a module of Node in our sources
 * gets functions instead, which load the module on the first call. An export that is not a function cannot be put off,
 * but it is dropped if nobody uses it.
 */
import { readFile } from 'node:fs/promises';
import type { BunPlugin } from './bun.ts';

const NAMESPACE = 'lazy-builtin';
const PREFIX = 'lazy-builtin:';
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
/** A class cannot be called through a function. */
const CLASS = /^[A-Z]/;

/** @returns the source of a module with the same exports as Node's module of that name */
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

/** Bun's plugins do not see imports of `node:`, so the imports in our sources get another name first. */
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
