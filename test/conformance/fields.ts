/** Reads every field that config.json may have from our own schema. docs/conformance.md has a row for each. */

import { jsonSchemaOf } from '../../build/validators.ts';
import { configSchema } from '../../spec/config/config.ts';
import { WIDE_KEYWORD } from '../../spec/integers.ts';
import { MOUNT_OPTIONS } from '../../spec/mount-options.ts';

export interface Field {
  /** `linux.resources.memory.limit`. `[]` means any item of a list, `*` any key of a map. */
  readonly path: string;
  /** `string`, `uint32`, … */
  readonly type: string;
  /** The values that are allowed, if only some are. Each must be tested. */
  readonly values: readonly string[];
}

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly [WIDE_KEYWORD]?: string;
}

/** The fields in the order of the schema. A field that holds others has no row of its own. */
export function configFields(): readonly Field[] {
  return fieldsOf(jsonSchemaOf(configSchema), '').map((field) =>
    // The schema allows any option, since each file system has its own. These are the options of the runtime.
    field.path === 'mounts[].options[]' ? { ...field, values: Object.values(MOUNT_OPTIONS).flat() } : field,
  );
}

function fieldsOf(schema: Schema, path: string): readonly Field[] {
  const { properties, additionalProperties, items } = schema;
  if (properties) {
    const under = path === '' ? '' : `${path}.`;
    return Object.entries(properties).flatMap(([name, member]) => fieldsOf(member, `${under}${name}`));
  }
  if (typeof additionalProperties === 'object') return fieldsOf(additionalProperties, `${path}.*`);
  if (items) return fieldsOf(items, `${path}[]`);
  return [{ path, type: typeOf(schema), values: schema.enum ?? [] }];
}

/** The specification's names for numbers with these bounds. */
const BOUNDED: Readonly<Record<string, string>> = {
  '0 255': 'uint8',
  '0 65535': 'uint16',
  '0 4294967295': 'uint32',
  '-2147483648 2147483647': 'int32',
};

function typeOf({ type = '', minimum, maximum, [WIDE_KEYWORD]: wide }: Schema): string {
  return wide ?? BOUNDED[`${minimum} ${maximum}`] ?? type;
}
