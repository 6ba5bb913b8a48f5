// Compiles the zod schemas of spec/ into a module of plain JavaScript that answers yes or no, without zod or ajv.
//
// The linker's interface:
// - `validatorsModule()`: the module's source, ESM without imports. It exports `compiled`, so it stands in for
//   spec/compiled.ts (the plugin below puts it there).
// - `validatorsPlugin()`: a plugin for `Bun.build({ plugins: [...] })` that replaces spec/compiled.ts by it.
// - as a script, `node build/validators.ts [FILE]`: writes the module, to dist/generated/compiled.js by default.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { _, Ajv, type KeywordCxt } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import * as z from 'zod';
import { WIDE_KEYWORD } from '../spec/integers.ts';
import { SCHEMAS } from '../spec/shape.ts';

/** The part of Bun's plugin interface that is used here; esbuild's is the same. */
type Build = {
  onLoad(options: { filter: RegExp }, load: () => { contents: string; loader: 'js' }): unknown;
};

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
  // Patterns are compiled without the u flag, as zod's are.
  const ajv = new Ajv({ unicodeRegExp: false, messages: false, code: { source: true, esm: true, lines: true } });
  ajv.addKeyword({ keyword: WIDE_KEYWORD, schemaType: 'string', code: wideInteger });
  const names = Object.keys(SCHEMAS);
  for (const [name, schema] of Object.entries(SCHEMAS)) ajv.addSchema(jsonSchemaOf(schema), name);
  const source = withoutErrors(standalone.default(ajv, Object.fromEntries(names.map((name) => [`is_${name}`, name]))));
  // ajv's run-time parts (ucs2length, equal, …) would come in by require.
  const loads = /\brequire\([^)]*\)/.exec(source);
  if (loads) throw new Error(`compile validators: ajv's code needs ${loads[0]}: use no keyword that does`);
  const members = names.map((name) => `${name}: is_${name}`);
  return `${source}\nexport const compiled = { ${members.join(', ')} };\n`;
}

export function jsonSchemaOf(schema: z.ZodType): object {
  return z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any' });
}

/**
 * Leaves out the error objects, which nobody reads: two thirds of the code, and 1 ms of a command's start
 * (Bun 1.4.5, 206 against 75 KB, minified bytecode). ajv has no option for it; with `lines` each is a line of its own.
 */
function withoutErrors(source: string): string {
  const lean = source
    .replace(/^validate\d+\.errors = \[\{.*\}\];$/gm, '')
    .replace(/^validate\d+\.errors = vErrors;$/gm, '');
  // The schemas were there for the errors' parameters.
  const unused = /^const (schema\d+) = .*;$/gm;
  return lean
    .replace(unused, (line, name: string) => (lean.split(name).length === 2 ? '' : line))
    .replace(/\n+/g, '\n');
}

/** spec/integers.ts's isWide() as code: JSON Schema knows no bigint. */
function wideInteger(context: KeywordCxt): void {
  const { data, schema } = context;
  context.pass(
    schema === 'uint64'
      ? _`typeof ${data} == "bigint" ? ${data} >= 0n && ${data} <= 18446744073709551615n : Number.isSafeInteger(${data}) && ${data} >= 0`
      : _`typeof ${data} == "bigint" ? ${data} >= -9223372036854775808n && ${data} <= 9223372036854775807n : Number.isSafeInteger(${data})`,
  );
}

if (import.meta.main) {
  const file = process.argv[2] ?? join(import.meta.dirname, '../dist/generated/compiled.js');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, validatorsModule());
}
