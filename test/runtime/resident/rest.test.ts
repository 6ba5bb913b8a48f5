import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { codeIn } from '../../../runtime/resident/rest.ts';

const mapping = (range: string, rights: string, path: string, own = 0): string =>
  `${range} ${rights} 00000000 fe:00 2249496     ${path}\nRss: 100 kB\nAnonymous:      ${own} kB\n`;

it('finds the code of a program, and nothing that is a process’s own', () => {
  const smaps = [
    mapping('00200000-01a39000', 'r--p', '/a/engine'),
    mapping('01a40000-0684a000', 'r-xp', '/a/engine'),
    mapping('06849000-06867000', 'r--p', '/a/engine', 120),
    mapping('06867000-06e55000', 'rw-p', '/a/engine'),
    mapping('7fded9fcd000-7fdeda123000', 'r-xp', '/usr/lib/libc.so.6'),
    mapping('7fded9fcd000-7fdeda123000', 'r-xp', '/a/engine (deleted)'),
    mapping('34e4ea00000-34e8ea00000', 'rw-p', ''),
  ].join('');
  assert.deepEqual(codeIn(smaps, '/a/engine'), [
    { from: 0x200000, size: 0x1839000 },
    { from: 0x1a40000, size: 0x4e0a000 },
  ]);
  const own = codeIn(readFileSync('/proc/self/smaps', 'utf8'), process.execPath);
  assert.ok(own.length > 0 && own.every(({ from, size }) => from > 0 && size > 0));
});
