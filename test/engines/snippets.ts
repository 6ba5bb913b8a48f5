/** The snippets of docs/engines.md and of README: a fenced block's language is followed by the name by which tests take it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scenario } from './scenario.ts';

/** Where the page installs it. */
const INSTALLED = '/usr/local/bin/runchart';
/** What the page runs, which is fetched. */
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

/** The page's only snippet of a name. */
export function snippet(name: string, file = 'docs/engines.md'): string {
  const [found, another] = pageSnippets(file).filter((one) => one.name === name);
  if (found === undefined || another !== undefined) throw new Error(`${file} has not one snippet ${name}`);
  return found.text;
}

/** The same with another runtime: its name, and its path, in the place of ours. */
export const snippetFor = (name: string, runtime: string, path: string): string =>
  snippet(name)
    .split(INSTALLED)
    .map((text) => text.replace(/\brunchart\b/g, runtime))
    .join(path);

/** The page's commands for an engine, each with an image that is there. `$RUNTIME` and `$NAME` are the runtime's path and name. */
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
