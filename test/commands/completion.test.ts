import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { bashCompletion } from '../../commands/completion/bash.ts';
import { fishCompletion } from '../../commands/completion/fish.ts';
import { completed } from '../../commands/completion/model.ts';
import { zshCompletion } from '../../commands/completion/zsh.ts';
import { globals } from '../../commands/globals.ts';
import { COMMANDS } from '../../commands/table.ts';

const classes = await Promise.all([...COMMANDS.values()].map(async (load) => (await load()).default));
const model = completed(classes, globals, ['HUP', 'KILL']);

describe('the model', () => {
  it('tells the kinds of values and words from the command classes', () => {
    const command = (name: string) => model.commands.find((one) => one.name === name);
    assert.deepEqual(command('kill')?.words, ['container', 'signal']);
    assert.deepEqual(command('run')?.words, ['other']);
    assert.deepEqual(command('completion')?.words, [['bash', 'zsh', 'fish']]);
    const values = Object.fromEntries((command('run')?.flags ?? []).map(({ name, value }) => [name, value]));
    assert.deepEqual(
      [values.bundle, values['pid-file'], values.detach, values['preserve-fds'], values.root],
      ['directory', 'file', 'none', 'other', undefined],
    );
    assert.deepEqual(model.globals.find(({ name }) => name === 'log-format')?.value, ['text', 'json']);
    assert.equal(
      model.globals.some(({ name }) => name === 'criu'),
      false,
    );
  });
});

/** Stands in for the executable. It answers as `list -q` does, and shows the root that it was asked for. */
const STUB = `runchart() { [[ $1 == --root ]] && echo "in$2"; echo c1; echo c2; }`;

function inBash(words: readonly string[]): string[] {
  const script =
    `${bashCompletion(model)}\n${STUB}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _runchart; ` +
    `printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', 'runchart', ...words], { encoding: 'utf8' });
  assert.equal(stderr, '');
  return stdout.split('\n').filter((line) => line !== '');
}

describe('in bash', () => {
  const cases: [string[], string[]][] = [
    [['st'], ['start', 'state']],
    [
      ['start', ''],
      ['c1', 'c2'],
    ],
    [
      ['--root', '/x', 'kill', ''],
      ['in/x', 'c1', 'c2'],
    ],
    [
      ['--root', '=', '/x', 'kill', ''],
      ['in/x', 'c1', 'c2'],
    ],
    [
      ['kill', '--root', '/x', ''],
      ['in/x', 'c1', 'c2'],
    ],
    [['kill', 'c1', 'K'], ['KILL']],
    [['run', ''], []],
    [['run', '--no-p'], ['--no-pivot']],
    [
      ['run', '--d'],
      ['--detach', '--debug'],
    ],
    [
      ['list', '-f', ''],
      ['table', 'json'],
    ],
    [['--log-format', '=', 'j'], ['json']],
    [
      ['--log-format', '='],
      ['text', 'json'],
    ],
  ];
  for (const [words, replies] of cases)
    it(`completes ${words.join(' ')}`, () => assert.deepEqual(inBash(words), replies));
});

describe('other shells take the script', () => {
  for (const [shell, script] of [
    ['zsh', zshCompletion(model)],
    ['fish', fishCompletion(model)],
  ] as const) {
    const missing = spawnSync(shell, ['-c', 'true']).error === undefined ? false : `${shell} is not installed`;
    it(shell, { skip: missing }, () => {
      const { status, stderr } = spawnSync(shell, ['-n', '-c', script], { encoding: 'utf8' });
      assert.deepEqual([status, stderr], [0, '']);
    });
  }

  it('fish, with the right answers', {
    skip: spawnSync('fish', ['-c', 'true']).error !== undefined && 'fish is not installed',
  }, () => {
    const stub = "function runchart; echo $argv[1..2] | string match -r '/.*'; echo c1; end";
    const script = `${fishCompletion(model)}\n${stub}`;
    const complete = (line: string) =>
      spawnSync('fish', ['-N', '-c', `${script}\ncomplete -C '${line}'`], { encoding: 'utf8' })
        .stdout.split('\n')
        .map((reply) => reply.split('\t')[0])
        .filter((reply) => reply !== '');
    assert.deepEqual(complete('runchart st'), ['start', 'state']);
    assert.deepEqual(complete('runchart --root /x start '), ['/x', 'c1']);
    assert.deepEqual(complete('runchart list -f '), ['json', 'table']);
  });
});
