/**
 * Turns a command line as runc's users write it into one that oclif parses. runc reads its command line with Go's flag
 * package: one dash or two before any name, `--detach=false`, and the last of several values counts. Pure.
 */

/** The members of an oclif flag that the reading depends on. */
export interface FlagShape {
  readonly type: 'boolean' | 'option';
  readonly char?: string | undefined;
  /** Every value counts, not only the last one. */
  readonly multiple?: boolean | undefined;
  /** For a boolean: `--name=false` differs from leaving the flag out. */
  readonly allowNo?: boolean | undefined;
}

/** A command line that cannot be understood. The texts are runc's. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly exitStatus: number;
  /** A word that was not understood, and those that would have been. */
  readonly meant: { readonly word: string; readonly known: readonly string[] } | undefined;

  constructor(message: string, exitStatus = 1, meant?: UsageError['meant']) {
    super(message);
    this.exitStatus = exitStatus;
    this.meant = meant;
  }
}

export interface SplitLine {
  /** The first word that is neither a global flag nor the value of one; undefined if there is none. */
  readonly command: string | undefined;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** @param globals the global flags that take a value */
export function splitLine(argv: readonly string[], globals: ReadonlySet<string>): SplitLine {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (!isFlag(word)) return { command: word, before: argv.slice(0, i), after: argv.slice(i + 1) };
    if (word === '--') return { command: argv[i + 1], before: argv.slice(0, i), after: argv.slice(i + 2) };
    const { name, value } = partsOf(word);
    if (value === undefined && globals.has(name)) i++;
  }
  return { command: undefined, before: argv, after: [] };
}

export interface ReadLine {
  /** What oclif parses: each flag once, as `--name` or `--name=value`, then `--` and the arguments. */
  readonly argv: readonly string[];
  readonly words: readonly string[];
}

/**
 * @param ownWords how many arguments are the command's own; what follows them is for the program that it calls
 * @throws UsageError
 */
export function readLine(
  argv: readonly string[],
  flags: Readonly<Record<string, FlagShape>>,
  ownWords = Number.POSITIVE_INFINITY,
): ReadLine {
  const given = new Map<string, string>();
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (words.length >= ownWords) {
      words.push(...argv.slice(word === '--' ? i + 1 : i));
      break;
    }
    if (word === '--') {
      words.push(...argv.slice(i + 1));
      break;
    }
    if (!isFlag(word)) {
      words.push(word);
      continue;
    }
    const { name, value } = partsOf(word);
    const long = longName(name, flags);
    if (long === undefined) throw unknownFlag(word, name, flags);
    if (flags[long]?.type === 'boolean') {
      if (value === undefined || isTrue(value, name)) given.set(long, `--${long}`);
      else if (flags[long].allowNo) given.set(long, `--no-${long}`);
      else given.delete(long);
      continue;
    }
    const text = value ?? argv[++i];
    if (text === undefined) throw new UsageError(`flag needs an argument: ${word}`);
    given.set(flags[long]?.multiple ? `${long} ${given.size}` : long, `--${long}=${text}`);
  }
  return { argv: [...given.values(), '--', ...words], words };
}

/**
 * Finds the value of a flag in a line that cannot be understood as a whole. An error of the command line goes to the
 * log file that the line names.
 */
export function looseValue(argv: readonly string[], name: string): string | undefined {
  for (const [i, word] of argv.entries()) {
    if (!isFlag(word)) continue;
    const parts = partsOf(word);
    if (parts.name === name) return parts.value ?? argv[i + 1];
  }
  return undefined;
}

/** A negative number is no flag: `kill c1 -1`. */
const isFlag = (word: string): boolean => word.length > 1 && word.startsWith('-') && !isNegative(word);

/** The comparisons come first: nearly no word needs the regular expression, which is compiled on its first use. */
const isNegative = (word: string): boolean => word.charAt(1) >= '0' && word.charAt(1) <= '9' && /^-\d+$/.test(word);

function partsOf(word: string): { readonly name: string; readonly value: string | undefined } {
  const bare = word.slice(word.startsWith('--') ? 2 : 1);
  const equals = bare.indexOf('=');
  return equals === -1
    ? { name: bare, value: undefined }
    : { name: bare.slice(0, equals), value: bare.slice(equals + 1) };
}

function longName(name: string, flags: Readonly<Record<string, FlagShape>>): string | undefined {
  if (Object.hasOwn(flags, name)) return name;
  return Object.keys(flags).find((long) => flags[long]?.char === name);
}

/** As it was typed: runc says `-name` of either form. */
function unknownFlag(word: string, name: string, flags: Readonly<Record<string, FlagShape>>): UsageError {
  const [typed = ''] = word.split('=', 1);
  const known = Object.keys(flags).map((flag) => `--${flag}`);
  return new UsageError(`flag provided but not defined: ${typed}`, 1, { word: `--${name}`, known });
}

/** Reads a boolean as Go's strconv.ParseBool does. @throws UsageError */
function isTrue(text: string, name: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw new UsageError(`invalid boolean value ${JSON.stringify(text)} for -${name}: parse error`);
}

/** Whether there are as many arguments as a command takes. */
export const isRightCount = (count: number, [least, most]: readonly [number, number]): boolean =>
  count >= least && count <= most;

/** @throws UsageError */
export function logFormat(given: string | undefined): 'text' | 'json' {
  if (given === undefined || given === '' || given === 'text') return 'text';
  if (given === 'json') return 'json';
  throw new UsageError(`invalid log-format: ${given}`);
}

/** @returns undefined for `auto`. @throws UsageError */
export function rootless(given: string | undefined): boolean | undefined {
  if (given === undefined || given === '' || given.toLowerCase() === 'auto') return undefined;
  return isTrue(given, 'rootless');
}
