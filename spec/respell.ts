/** Corrects the capitals in names of fields. runc (Go) takes any capitals. */

import type * as z from 'zod';
import { isObject } from './field-names.ts';

/**
 * @returns the value, with every field spelt as the schema spells it. Keys that are not fields, such as the names of
 * annotations, stay as they are
 */
export function respell(schema: z.core.$ZodType, value: unknown): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (!isObject(value)) return value;
  if (def.type === 'optional') return respell(def.innerType, value);
  if (def.type === 'array') return Array.isArray(value) ? value.map((item) => respell(def.element, item)) : value;
  if (Array.isArray(value)) return value;
  const entries = Object.entries(value);
  if (def.type === 'record')
    return Object.fromEntries(entries.map(([key, item]) => [key, respell(def.valueType, item)]));
  if (def.type !== 'object') return value;
  const { shape } = def;
  const names = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]));
  const fields = new Map<string, unknown>();
  for (const [key, item] of entries) {
    const name = names.get(key.toLowerCase()) ?? key;
    const field = shape[name];
    const next = field === undefined ? item : respell(field, item);
    fields.set(name, fields.has(name) ? merged(fields.get(name), next) : next);
  }
  return Object.fromEntries(fields);
}

/** What Go makes of a field that comes twice: the later one counts, but objects are merged. */
function merged(before: unknown, next: unknown): unknown {
  if (!isObject(before) || !isObject(next) || Array.isArray(before) || Array.isArray(next)) return next;
  const all = new Map<string, unknown>(Object.entries(before));
  for (const [key, item] of Object.entries(next)) all.set(key, all.has(key) ? merged(all.get(key), item) : item);
  return Object.fromEntries(all);
}
