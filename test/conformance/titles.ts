/** The titles of the tests and suites in a test file, read from its text. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const TESTS = join(import.meta.dirname, '..');
const CALL = /\b(?:test|it|suite|describe)\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g;

export const textOf = (file: string): string => readFileSync(join(TESTS, file), 'utf8');

/** One pattern a title; `${…}` in it stands for anything. */
function titlesOf(text: string): readonly RegExp[] {
  return [...text.matchAll(CALL)].map(([, quote = '', title = '']) => {
    const plain = title.replace(/\\(.)/g, '$1');
    const parts = quote === '`' ? plain.split(/\$\{[^}]*\}/) : [plain];
    return new RegExp(`^${parts.map((part) => RegExp.escape(part)).join('.+')}$`);
  });
}

export const hasTitle = (text: string, title: string): boolean => titlesOf(text).some((pattern) => pattern.test(title));
