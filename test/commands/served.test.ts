import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isServed } from '../../commands/served.ts';

const served = (line: string, env = {}, watched: string[] = []) =>
  isServed(line.split(' '), { cwd: '/work', env }, (root) => watched.includes(root));

describe('what a resident engine takes', () => {
  it('is the commands of a container’s life', () => {
    for (const line of ['state c1', 'create c1', 'start c1', 'run c1', 'exec c1 ls -h', 'kill c1', 'delete c1', 'list'])
      assert.ok(served(line), line);
    assert.ok(served('--root serve state c1'));
  });

  it('is nothing that shows this process, takes long, or needs a terminal or CRIU', () => {
    for (const line of [
      'events c1',
      'checkpoint c1',
      'restore c1',
      'features',
      'spec',
      'serve',
      'help',
      '--version',
      '',
    ])
      assert.ok(!served(line), line);
    for (const line of ['--trace - state c1', 'run --trace=x c1', 'state -trace - c1']) assert.ok(!served(line), line);
  });

  it('is nothing that tells systemd, which knows its services by their processes', () => {
    for (const command of ['create', 'start', 'run']) assert.ok(!served(`${command} c1`, { NOTIFY_SOCKET: '/run/x' }));
    assert.ok(served('state c1', { NOTIFY_SOCKET: '/run/x' }));
  });

  it('is nothing whose end somebody wants to hear of, where the caller waits alone', () => {
    for (const command of ['run', 'exec']) {
      assert.ok(!served(`--debug ${command} c1`), command);
      assert.ok(!served(`${command} c1`, {}, ['/run/runchart']), command);
      assert.ok(!served(`--root r/../s ${command} c1`, {}, ['/work/s']), command);
      assert.ok(served(`--root r ${command} c1`, {}, ['/run/runchart']), command);
    }
    assert.ok(served('--debug state c1', {}, ['/run/runchart']));
  });
});
