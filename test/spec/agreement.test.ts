import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Ajv, type ValidateFunction } from 'ajv';
import fc from 'fast-check';
import type * as z from 'zod';
import { jsonSchemaOf } from '../../build/validators.ts';
import { SCHEMAS } from '../../spec/shape.ts';
import type { Documents } from '../../spec/types.ts';
import { arbitraryDocument } from './arbitrary-document.ts';
import { compileChecks } from './compiled-checks.ts';
import { OCI_FOLDER, WITHOUT_OCI } from './oci-folder.ts';

const NAMES = ['config', 'process', 'state', 'features'] as const;
const RUNS = 1000;

suite('the compiled validators and zod', () => {
  const checks = compileChecks();
  for (const name of NAMES) {
    test(`agree on ${name}`, () => {
      agree(name, SCHEMAS[name], (value) => checks[name](value));
    });
  }
});

suite("the specification's JSON schema and zod", { skip: WITHOUT_OCI }, () => {
  for (const [name, file] of [
    ['config', 'config-schema.json'],
    ['process', 'config-schema.json#/properties/process'],
    ['state', 'state-schema.json'],
    ['features', 'features-schema.json'],
  ] as const) {
    test(`agree on ${name}`, () => {
      const validate = ociSchema(file);
      agree(name, SCHEMAS[name], (value) => validate(asDoubles(value)) === true);
    });
  }
});

/** Compares both on documents that are valid or nearly valid, and checks that there are enough of both kinds. */
function agree(name: keyof Documents, schema: z.ZodType, other: (value: unknown) => boolean): void {
  const seen = { true: 0, false: 0 };
  const json = jsonSchemaOf(schema);
  const documents = fc.oneof(arbitraryDocument(json, 0), arbitraryDocument(json, 10), arbitraryDocument(json, 60));
  fc.assert(
    fc.property(documents, (value) => {
      const { success } = schema.safeParse(value);
      seen[`${success}`]++;
      assert.equal(other(value), success);
    }),
    { numRuns: RUNS },
  );
  assert.ok(Math.min(seen.true, seen.false) > RUNS / 10, `lopsided documents of ${name}: ${JSON.stringify(seen)}`);
}

// The folder's schemas are of draft 4. They use nothing that differs in draft 7, except the name of the draft.
function ociSchema(ref: string): ValidateFunction {
  const ajv = new Ajv({ strict: false, unicodeRegExp: false });
  for (const file of [
    ...[
      'config-schema',
      'config-linux',
      'config-freebsd',
      'config-solaris',
      'config-windows',
      'config-vm',
      'config-zos',
    ],
    ...['defs', 'defs-linux', 'defs-freebsd', 'defs-windows', 'defs-vm', 'defs-zos'],
    ...['state-schema', 'features-schema', 'features-linux'],
  ]) {
    const text = readFileSync(join(OCI_FOLDER ?? '', `${file}.json`), 'utf8');
    const { $schema: _, id: __, ...schema } = JSON.parse(text);
    deviate(file, schema);
    ajv.addSchema({ ...schema, $id: `${file}.json` });
  }
  const validate = ajv.getSchema(ref);
  assert.ok(validate, `${ref} is there`);
  return validate;
}

// Where we differ from the JSON schema on purpose. The zod schemas say why.
function deviate(file: string, schema: ReturnType<typeof JSON.parse>): void {
  const uint32 = { type: 'integer', minimum: 0, maximum: 4294967295 };
  if (file === 'defs-linux') {
    schema.definitions.Device.properties.fileMode = uint32;
    schema.definitions.RootfsPropagation.enum.push('rprivate', 'rshared', 'rslave', 'runbindable', '');
  }
  // config-linux.md says optional.
  if (file === 'config-linux') delete schema.linux.properties.resources.properties.pids.required;
  if (file === 'state-schema') schema.properties.status.enum.push('paused');
  if (file === 'features-linux') {
    // features-linux.md and the Go types have these. The JSON schema does not have them yet.
    Object.assign(schema.linux.properties.intelRdt.properties, {
      schemata: { type: 'boolean' },
      monitoring: { type: 'boolean' },
    });
    const strings = { type: 'array', items: { type: 'string' } };
    schema.linux.properties.memoryPolicy = { type: 'object', properties: { modes: strings, flags: strings } };
  }
}

/** The value that a plain JSON.parse would give. */
function asDoubles(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(asDoubles);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, asDoubles(member)]));
}
