import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type * as z from 'zod';
import { configSchema } from '../../spec/config/config.ts';
import { featuresSchema } from '../../spec/features.ts';
import { parseJson } from '../../spec/json.ts';
import { stateSchema } from '../../spec/state.ts';
import { compileChecks } from './compiled-checks.ts';
import { OCI_FOLDER, WITHOUT_OCI } from './oci-folder.ts';

const DOCUMENTS: { config: z.ZodType; features: z.ZodType; state: z.ZodType } = {
  config: configSchema,
  features: featuresSchema,
  state: stateSchema,
};

suite("the specification's vectors", { skip: WITHOUT_OCI }, () => {
  const checks = compileChecks();
  for (const name of ['config', 'features', 'state'] as const) {
    for (const verdict of ['good', 'bad']) {
      for (const file of vectors(name, verdict)) {
        test(`${name}/${verdict}/${file.name}`, () => {
          const found = accepted(file.text, (value) => DOCUMENTS[name].safeParse(value).success);
          assert.equal(found, verdict === 'good');
          assert.equal(accepted(file.text, checks[name]), found, 'the compiled validator agrees');
        });
      }
    }
  }

  test('are all found', () => {
    assert.ok(vectors('config', 'good').length >= 7);
    assert.ok(vectors('config', 'bad').length >= 3);
  });
});

function accepted(text: string, check: (value: unknown) => boolean): boolean {
  let value: unknown;
  try {
    value = parseJson(text, 'vector');
  } catch {
    return false;
  }
  return check(value);
}

function vectors(name: string, verdict: string): { name: string; text: string }[] {
  const folder = join(OCI_FOLDER ?? '', 'test', name, verdict);
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch {
    return [];
  }
  return files.map((file) => ({ name: file, text: readFileSync(join(folder, file), 'utf8') }));
}
