import type * as z from 'zod';
import type { Documents } from './compiled.ts';
import { configSchema } from './config/config.ts';
import { processSchema } from './config/process.ts';
import { featuresSchema } from './features.ts';
import { formatPath, type JsonPath, type Problem, SpecError } from './problem.ts';
import { respell } from './respell.ts';
import { stateSchema } from './state.ts';

/** The documents that have a schema. What build/validators.ts compiles. */
export const SCHEMAS: { [Name in keyof Documents]: z.ZodType<Documents[Name]> } = {
  config: configSchema,
  process: processSchema,
  state: stateSchema,
  features: featuresSchema,
};

/** Asks zod whether the value has the document's shape. @throws {SpecError} that names the first field that has not */
export function assertShape<Name extends keyof Documents>(
  name: Name,
  value: unknown,
  document: string,
): asserts value is Documents[Name] {
  const problem = findShapeProblem(SCHEMAS[name], value);
  if (problem) throw new SpecError(document, problem);
}

/** The document with its fields spelt as its schema spells them. */
export const respelled = (name: keyof Documents, value: unknown): unknown => respell(SCHEMAS[name], value);

export function findShapeProblem(schema: z.ZodType, value: unknown): Problem | undefined {
  const { error } = schema.safeParse(value, { reportInput: true });
  const issue = error?.issues[0];
  if (!issue) return undefined;
  const path: JsonPath = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  return { path, reason: naming(path, issue) + word(issue) };
}

const ARTICLED: Readonly<Record<string, string>> = {
  string: 'a string',
  boolean: 'true or false',
  number: 'a number',
  int: 'an integer',
  array: 'an array',
  object: 'an object',
  record: 'an object',
};

/** What runc calls values that it does not know, ahead of what they may be. */
const NAMED: readonly (readonly [path: RegExp, name: string])[] = [
  [/^linux\.memoryPolicy\.mode$/, 'memory policy mode'],
  [/^linux\.memoryPolicy\.flags\[\d+\]$/, 'memory policy flag'],
];

function naming(path: JsonPath, issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_value' || typeof issue.input !== 'string') return '';
  const name = NAMED.find(([pattern]) => pattern.test(formatPath(path)))?.[1];
  return name === undefined ? '' : `invalid ${name} ${JSON.stringify(issue.input)}: `;
}

function word(issue: z.core.$ZodIssue): string {
  if (issue.input === undefined) return 'is required';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${ARTICLED[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}, not ${quote(issue.input)}`;
    case 'invalid_format':
      return `must match ${issue.pattern ?? issue.format}, not ${quote(issue.input)}`;
    case 'too_small':
      return issue.origin === 'array' ? 'must not be empty' : `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

function quote(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : `a value of type ${typeof value}`;
}
