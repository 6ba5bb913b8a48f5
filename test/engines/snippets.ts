/**
 * The snippets of docs/engines.md and of README. The fence of each names its language, and then the name by which tests
 * take it.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scenario } from './scenario.ts';

/** Where the page installs runchart. */
const INSTALLED = '/usr/local/bin/runchart';
/** The image that the page runs, which an engine would fetch. */
const IMAGE = /docker\.io\/library\/alpine/g;

interface Snippet {
  readonly language: string;
  readonly name: string;
  readonly text: string;
}

/** @param file its path from the root of the repository */
export function pageSnippets(file = 'docs/engines.md'): readonly Snippet[] {
  const page = readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
  return [...page.matchAll(/^```(\w+) (\S+)\n(.*?)^```$/gms)].map(([, language = '', name = '', text = '']) => ({
    language,
    name,
    text,
  }));
}

/** The only snippet of that name on the page. */
export function snippet(name: string, file = 'docs/engines.md'): string {
  const [found, another] = pageSnippets(file).filter((one) => one.name === name);
  if (found === undefined || another !== undefined) throw new Error(`${file} has not one snippet ${name}`);
  return found.text;
}

/** The same snippet with the name and the path of another runtime instead of ours. */
export const snippetFor = (name: string, runtime: string, path: string): string =>
  snippet(name)
    .split(INSTALLED)
    .map((text) => text.replace(/\brunchart\b/g, runtime))
    .join(path);

/**
 * The page's commands for an engine, with an image that exists. `$RUNTIME` and `$NAME` are the path and the name of the
 * runtime.
 */
export const documented = (engine: string): readonly Scenario[] =>
  pageSnippets()
    .filter(({ name, language }) => name === engine && language === 'sh')
    .map(({ text }) => ({
      title: `docs/engines.md: ${text.trim()}`,
      script: text
        .replaceAll(INSTALLED, '$RUNTIME')
        .replace(/--runtime runchart\b/g, '--runtime $NAME')
        .replace(IMAGE, 'localhost/box'),
      expected: 'hello\n',
    }));
