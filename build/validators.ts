/**
 * Compiles the zod schemas of spec/ into a module of plain JavaScript that answers yes or no, without zod or ajv. The
 * module is ESM without imports, and exports `compiled`, so it can replace spec/compiled.ts.
 *
 *   node build/validators.ts [FILE]    writes the module, to dist/generated/compiled.js by default
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { _, Ajv, type KeywordCxt } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import * as z from 'zod';
import { WIDE_KEYWORD } from '../spec/integers.ts';
import { SCHEMAS } from '../spec/shape.ts';

/** The part of Bun's plugin interface that is used here. esbuild's is the same. */
type Build = {
  onLoad(options: { filter: RegExp }, load: () => { contents: string; loader: 'js' }): unknown;
};

/** A plugin for `Bun.build({ plugins: [...] })` that replaces spec/compiled.ts by the module. */
export function validatorsPlugin(): { name: string; setup(build: Build): void } {
  return {
    name: 'validators',
    setup(build) {
      const contents = validatorsModule();
      build.onLoad({ filter: /\/spec\/compiled\.ts$/ }, () => ({ contents, loader: 'js' }));
    },
  };
}

export function validatorsModule(): string {
  // Patterns are compiled without the u flag, as in zod.
  const ajv = new Ajv({ unicodeRegExp: false, messages: false, code: { source: true, esm: true, lines: true } });
  ajv.addKeyword({ keyword: WIDE_KEYWORD, schemaType: 'string', code: wideInteger });
  const names = Object.keys(SCHEMAS);
  for (const [name, schema] of Object.entries(SCHEMAS)) ajv.addSchema(jsonSchemaOf(schema), name);
  const source = withoutErrors(standalone.default(ajv, Object.fromEntries(names.map((name) => [`is_${name}`, name]))));
  // The run-time parts of ajv (ucs2length, equal, …) would be loaded by require.
  const loads = /\brequire\([^)]*\)/.exec(source);
  if (loads) throw new Error(`compile validators: ajv's code needs ${loads[0]}: use no keyword that does`);
  const members = names.map((name) => `${name}: is_${name}`);
  return `${source}\nexport const compiled = { ${members.join(', ')} };\n`;
}

export function jsonSchemaOf(schema: z.ZodType): object {
  return z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any' });
}

/**
 * Removes the error objects, which nobody reads. They are two thirds of the code, and 1 ms of a command's start (Bun
 * 1.4.5, 206 against 75 kB, minified bytecode). ajv has no option for it; with `lines` each of them stands on a line of
 * its own.
 */
function withoutErrors(source: string): string {
  const lean = source
    .replace(/^validate\d+\.errors = \[\{.*\}\];$/gm, '')
    .replace(/^validate\d+\.errors = vErrors;$/gm, '');
  // The schemas were only there for the parameters of the errors.
  const unused = /^const (schema\d+) = .*;$/gm;
  return lean
    .replace(unused, (line, name: string) => (lean.split(name).length === 2 ? '' : line))
    .replace(/\n+/g, '\n');
}

/** isWide() of spec/integers.ts as code, since JSON Schema does not know bigint. */
function wideInteger(context: KeywordCxt): void {
  const { data, schema } = context;
  const isBigint = _`typeof ${data} == "bigint"`;
  const isSafe = _`Number.isSafeInteger(${data})`;
  context.pass(
    schema === 'uint64'
      ? _`${isBigint} ? ${data} >= 0n && ${data} <= 18446744073709551615n : ${isSafe} && ${data} >= 0`
      : _`${isBigint} ? ${data} >= -9223372036854775808n && ${data} <= 9223372036854775807n : ${isSafe}`,
  );
}

if (import.meta.main) {
  const file = process.argv[2] ?? join(import.meta.dirname, '../dist/generated/compiled.js');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, validatorsModule());
}
