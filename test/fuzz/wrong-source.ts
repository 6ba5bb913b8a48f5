/** Imports modules of native/ with a fault on purpose, beside the right ones. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

/** In the file with this name: the right text, and the wrong one in its place. */
export interface Fault {
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
}

/** @returns the module at `url`, with the fault in it or in what it imports */
export async function withFault<T>(url: URL, { file, right, wrong }: Fault): Promise<T> {
  // A module with another fault is another module, though the same may stand in the place of both.
  const mark = `?${Buffer.from(`${right} ${wrong}`).toString('hex')}`;
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const isOurs = context.parentURL?.endsWith(mark) && specifier.startsWith('.');
      return isOurs ? { ...resolved, url: resolved.url + mark } : resolved;
    },
    load(marked, context, next) {
      const plain = marked.slice(0, -mark.length);
      if (!marked.endsWith(mark) || !plain.endsWith(`/${file}`)) return next(marked, context);
      const source = readFileSync(fileURLToPath(plain), 'utf8');
      assert.equal(source.split(right).length, 2, `once in ${file}: ${right}`);
      return { format: 'module-typescript', source: source.replace(right, wrong), shortCircuit: true };
    },
  });
  try {
    return await import(url.href + mark);
  } finally {
    hooks.deregister();
  }
}
