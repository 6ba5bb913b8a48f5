/**
 * Reads a line that readLine (line.ts) has normalised: one word for each flag, then `--` and the arguments. The result
 * is what oclif's parser would make of it. That parser handles much more, and running it cold costs a command 0.8 ms. A
 * test compares the two. A line that is not plain goes to oclif, which also words the errors.
 */

type Definition = {
  readonly type?: 'boolean' | 'option';
  readonly multiple?: boolean | undefined;
  readonly allowNo?: boolean | undefined;
  readonly options?: readonly string[] | undefined;
  readonly required?: boolean | undefined;
  readonly default?: unknown;
  // This is oclif's own declaration. The kinds of flags that we have do not use the context.
  parse(input: never, context: never, definition: never): Promise<unknown>;
};

export interface Definitions {
  readonly flags: Readonly<Record<string, Definition>>;
  readonly args: Readonly<Record<string, Definition>>;
}

export interface Parsed {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly args: Readonly<Record<string, unknown>>;
  /** The arguments' values, in order, defaults included. */
  readonly argv: readonly unknown[];
}

/**
 * @returns undefined if oclif must read the line
 * @throws what a flag's own parser throws
 */
export async function parsePlain(argv: readonly string[], { flags, args }: Definitions): Promise<Parsed | undefined> {
  const end = argv.indexOf('--');
  const words = argv.slice(end + 1);
  const names = Object.keys(args);
  if (end < 0 || words.length > names.length) return undefined;

  const found: Record<string, unknown> = {};
  for (const word of argv.slice(0, end)) {
    const equals = word.indexOf('=');
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const definition = flags[name];
    if (definition === undefined || !isPlain(definition)) return undefined;
    found[name] = definition.type === 'boolean' ? true : await valueFrom(definition, word.slice(equals + 1));
  }
  for (const [name, definition] of Object.entries(flags)) {
    if (name in found) continue;
    if (definition.required || typeof definition.default === 'function') return undefined;
    if (definition.default !== undefined) found[name] = definition.default;
  }

  const taken: Record<string, unknown> = {};
  for (const [i, name] of names.entries()) {
    const definition = args[name];
    const word = words[i];
    if (definition === undefined || !isPlain(definition) || (word === undefined && definition.required))
      return undefined;
    if (word !== undefined) taken[name] = await valueFrom(definition, word);
    else if (definition.default !== undefined) taken[name] = definition.default;
  }
  return { flags: found, args: taken, argv: Object.values(taken) };
}

const isPlain = ({ multiple, allowNo, options, default: value }: Definition): boolean =>
  !multiple && !allowNo && options === undefined && typeof value !== 'function' && typeof value !== 'boolean';

const valueFrom = (definition: Definition, text: string): Promise<unknown> =>
  definition.parse(text as never, {} as never, definition as never);
