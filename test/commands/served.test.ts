import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isServed } from '../../commands/served.ts';

describe('what a resident engine takes', () => {
  it('is the commands of a container’s life', () => {
    for (const line of ['state c1', 'create c1', 'start c1', 'run c1', 'exec c1 ls', 'kill c1', 'delete c1', 'list'])
      assert.ok(isServed(line.split(' '), {}), line);
    assert.ok(isServed(['--root', 'serve', 'state', 'c1'], {}));
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
      assert.ok(!isServed(line.split(' '), {}), line);
    for (const line of ['--trace - state c1', 'run --trace=x c1', 'exec --help', '-h state'])
      assert.ok(!isServed(line.split(' '), {}), line);
  });

  it('is nothing that tells systemd, which knows its services by their processes', () => {
    for (const command of ['create', 'start', 'run'])
      assert.ok(!isServed([command, 'c1'], { NOTIFY_SOCKET: '/run/x' }));
    assert.ok(isServed(['state', 'c1'], { NOTIFY_SOCKET: '/run/x' }));
  });
});
