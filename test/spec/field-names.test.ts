import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as z from 'zod';
import { FIELD_NAMES, mayBeMisspelt } from '../../spec/field-names.ts';
import { SCHEMAS } from '../../spec/shape.ts';

function namesOf(schema: z.core.$ZodType): readonly string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'object':
      return Object.entries(def.shape).flatMap(([name, field]) => [name, ...namesOf(field)]);
    case 'optional':
      return namesOf(def.innerType);
    case 'array':
      return namesOf(def.element);
    case 'record':
      return namesOf(def.valueType);
    default:
      // A schema with fields must be of one of these kinds: spec/respell.ts knows no others.
      assert.ok(['string', 'boolean', 'number', 'enum', 'custom'].includes(def.type), def.type);
      return [];
  }
}

test('the names of fields are those of the schemas', () => {
  const names = [...namesOf(SCHEMAS.config), ...namesOf(SCHEMAS.process)];
  assert.deepEqual([...FIELD_NAMES].sort(), [...new Set(names)].sort());
});

test('a name in other capitals is seen wherever it is, the right one and a strange one are not', () => {
  assert.ok(mayBeMisspelt({ linux: { resources: { hugepageLimits: [{ pagesize: '2MB' }] } } }));
  assert.ok(mayBeMisspelt([{ Linux: {} }]));
  assert.ok(!mayBeMisspelt({ linux: { maskedPaths: ['Linux'] }, annotations: { 'org.Linux': 'x' }, later: null }));
});
