import fc from 'fast-check';
import { WIDE, WIDE_KEYWORD } from '../../spec/integers.ts';

/** The part of JSON Schema that the schemas of spec/ use. */
type Schema = {
  type?: string;
  enum?: string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  minItems?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema;
  [WIDE_KEYWORD]?: keyof typeof WIDE;
};

// Strings that fit some pattern of the schemas, and similar ones that fit none.
const PATTERNED = [
  'RLIMIT_CORE',
  'RLIMIT_core',
  '0-3, 7',
  '0-x',
  'c',
  'cc',
  '2MB',
  '02MB',
  '64kB',
  'MB:0=20',
  'MB:\n',
  'CAP_KILL',
  'CAP_kill',
];

const JUNK = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, '', 'x', [], {}, [null], { x: 1 }, 4294967296),
  fc.string({ maxLength: 3 }),
);

/** Values, about half of which have the schema's shape. The others are wrong in a place or two. */
export function arbitraryDocument(schema: object, junk: number): fc.Arbitrary<unknown> {
  return node(schema, junk);
}

function node(schema: Schema, junk: number): fc.Arbitrary<unknown> {
  const valid = shaped(schema, junk);
  return junk === 0 ? valid : fc.oneof({ weight: 1000 - junk, arbitrary: valid }, { weight: junk, arbitrary: JUNK });
}

function shaped(schema: Schema, junk: number): fc.Arbitrary<unknown> {
  const wide = schema[WIDE_KEYWORD];
  if (wide) return wideInteger(wide, junk);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'string':
      return schema.pattern ? patterned(schema.pattern, junk) : fc.string({ maxLength: 4 });
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return integer(schema.minimum ?? 0, schema.maximum ?? Number.MAX_SAFE_INTEGER, junk);
    case 'array':
      return fc.array(node(schema.items ?? {}, junk), { minLength: junk ? 0 : (schema.minItems ?? 0), maxLength: 2 });
    case 'object':
      return schema.additionalProperties
        ? fc.dictionary(fc.stringMatching(/^[a-z_.]{1,4}$/), node(schema.additionalProperties, junk), { maxKeys: 2 })
        : object(schema, junk);
    default:
      throw new Error(`no arbitrary for ${JSON.stringify(schema)}`);
  }
}

function patterned(pattern: string, junk: number): fc.Arbitrary<string> {
  const matching = PATTERNED.filter((candidate) => new RegExp(pattern).test(candidate));
  return fc.constantFrom(...(junk ? [...matching, ...matching, ...matching, ...PATTERNED] : matching));
}

function integer(minimum: number, maximum: number, junk: number): fc.Arbitrary<number> {
  const inside = fc.constantFrom(minimum, maximum, Math.min(maximum, Math.max(minimum, 7)));
  if (junk === 0) return inside;
  const edges = [minimum - 1, maximum + 1].filter(Number.isSafeInteger);
  return fc.oneof({ weight: 10, arbitrary: inside }, { weight: 1, arbitrary: fc.constantFrom(...edges, 0.5) });
}

// Bigints appear where a number can't hold the value, as spec/json.ts reads them. Those outside are far outside, since
// a JSON-schema validator can't tell 2^64 from 2^64 - 1.
function wideInteger(type: keyof typeof WIDE, junk: number): fc.Arbitrary<number | bigint> {
  const { min, max } = WIDE[type];
  const inside = [0, 7, Number.MAX_SAFE_INTEGER, max, ...(min < 0n ? [-1, min] : [])];
  const outside = [max * 2n, min * 2n - 2n ** 60n, 0.5];
  return fc.constantFrom(...inside, ...inside, ...inside, ...(junk ? outside : []));
}

function object(schema: Schema, junk: number): fc.Arbitrary<unknown> {
  const members = Object.entries(schema.properties ?? {}).map(([name, member]) => {
    const arbitrary = node(member, junk);
    const missing = schema.required?.includes(name) ? Math.ceil(junk / 2) : 700;
    return fc.oneof(
      { weight: 1000 - missing, arbitrary: arbitrary.map((value) => [[name, value] as const]) },
      { weight: missing, arbitrary: fc.constant([]) },
    );
  });
  const unknown = fc.constantFrom([], [['unknown', { any: [null] }] as const]);
  return fc.tuple(...members, unknown).map((lists) => Object.fromEntries(lists.flat()));
}
