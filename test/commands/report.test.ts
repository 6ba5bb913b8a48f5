import assert from 'node:assert/strict';
import { it } from 'node:test';
import { lineOf } from '../../commands/report.ts';

it("an error is one line, without oclif's hint", () => {
  assert.equal(lineOf(new Error('container does not exist')), 'container does not exist');
  assert.equal(
    lineOf(new Error('Parsing --preserve-fds \n\tExpected an integer but received: x\nSee more help with --help')),
    'Parsing --preserve-fds: Expected an integer but received: x',
  );
  // It names the flag itself.
  const own = 'invalid value "x" for flag -additional-gids: parse error';
  assert.equal(lineOf(new Error(`Parsing --additional-gids \n\t${own}\nSee more help with --help`)), own);
  assert.equal(lineOf('text'), 'text');
  assert.equal(
    lineOf(new Error('exit status 3, stdout: out\n, stderr: a\nb\n')),
    'exit status 3, stdout: out, stderr: a: b',
  );
  assert.equal(lineOf(new Error('garbage option\n\nUsage:\n ps [options]\n')), 'garbage option: Usage: ps [options]');
});
