/** Reads the titles of tests and suites from the text of a test file. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const TESTS = join(import.meta.dirname, '..');
const CALL = /\b(?:test|it|suite|describe)\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g;

export const textOf = (file: string): string => readFileSync(join(TESTS, file), 'utf8');

/** One pattern for each title. `${…}` in a title stands for anything. */
function titlesOf(text: string): readonly RegExp[] {
  return [...text.matchAll(CALL)].map(([, quote = '', title = '']) => {
    const plain = title.replace(/\\(.)/g, '$1');
    const parts = quote === '`' ? plain.split(/\$\{[^}]*\}/) : [plain];
    return new RegExp(`^${parts.map((part) => RegExp.escape(part)).join('.+')}$`);
  });
}

export const hasTitle = (text: string, title: string): boolean => titlesOf(text).some((pattern) => pattern.test(title));
