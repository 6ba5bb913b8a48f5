/**
 * Checks that lines are at most 120 columns wide: code, comments and prose. Biome breaks the lines of code at this
 * width, but neither long strings nor comments nor Markdown. `npm run lint`.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const WIDTH = 120;
/** A longer word may make any line too long. */
const LONGEST_WORD = 80;

const FILES = '{.ci/*,**/*.{ts,mjs,js,c,h,sh,md}}';

/** What others or programs have written. A name stands for a file, or for a folder with all that is in it. */
const NOT_OURS = ['node_modules', 'dist', '.git'];

/** What is not clean yet. The aim is an empty list: take out what you have cleaned, and add nothing. */
const NOT_CLEAN = [
  'effects',
  'library',
  'machines',
  'native',
  'runtime',
  'spec',
  'docs/performance.md',
  'docs/security.md',
  'docs/architecture.md',
  'test/effects',
  'test/fuzz',
  'test/integration',
  'test/native',
  'test/runtime',
  'test/simulation',
  'test/spec',
];

/**
 * @param file its path from the root of the repository
 * @returns what is wrong with its lines, one line each
 */
export function longLines(file: string, content: string): string[] {
  return content
    .split('\n')
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.length > WIDTH && canBreak(file, line))
    .map(({ line, number }) => `${file}:${number}: the line has ${line.length} columns, more than ${WIDTH}`);
}

/**
 * Nothing breaks a row of a table in Markdown, a regular expression, or a long word such as an address. Biome keeps the
 * title of a test on the line of its call.
 */
function canBreak(file: string, line: string): boolean {
  if (file.endsWith('.md') && /^\s*\|.*\|\s*$/.test(line)) return false;
  if (file.endsWith('.ts') && /^\s*\/(?![/*]).*\/[a-z]*[,;]?$/.test(line)) return false;
  if (/\.test\.ts$/.test(file) && /^\s*(it|test|describe)\(['"`]/.test(line)) return false;
  return line.split(' ').every((word) => word.length <= LONGEST_WORD);
}

const isIn = (file: string, names: readonly string[]): boolean =>
  names.some((name) => file === name || file.startsWith(`${name}/`));

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const found = globSync(FILES, { cwd: root, exclude: (path) => isIn(path, NOT_OURS) })
    .filter((file) => !isIn(file, [...NOT_OURS, ...NOT_CLEAN]))
    .toSorted()
    .flatMap((file) => longLines(file, readFileSync(join(root, file), 'utf8')));
  for (const line of found) console.error(line);
  if (found.length > 0) process.exit(1);
}
