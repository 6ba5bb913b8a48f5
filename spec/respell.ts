/** Names of fields in other than their own capitals: runc (Go) takes them for the field's. */

import type * as z from 'zod';

/**
 * @returns the value with every field named as the schema names it, where that name is free; keys that are no fields', as
 * annotations have them, stay as they are
 */
export function respell(schema: z.ZodType, value: unknown): unknown {
  return respelled(schema, value);
}

function respelled(schema: z.core.$ZodType, value: unknown): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (typeof value !== 'object' || value === null) return value;
  if (def.type === 'optional') return respelled(def.innerType, value);
  if (def.type === 'array') return Array.isArray(value) ? value.map((item) => respelled(def.element, item)) : value;
  if (Array.isArray(value)) return value;
  const entries = Object.entries(value);
  if (def.type === 'record')
    return Object.fromEntries(entries.map(([key, item]) => [key, respelled(def.valueType, item)]));
  if (def.type !== 'object') return value;
  const { shape } = def;
  const names = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]));
  return Object.fromEntries(
    entries.map(([key, item]) => {
      const known = names.get(key.toLowerCase());
      const name = known === undefined || Object.hasOwn(value, known) ? key : known;
      const field = shape[name];
      return [name, field === undefined ? item : respelled(field, item)];
    }),
  );
}
