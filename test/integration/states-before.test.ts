/**
 * Containers of an earlier version live on. states-before/ holds state.json files of version 0.1.0 of 2026-11-30, from
 * before the machine was rewritten. Each replaces the file of a real container, with the init, cgroup and paths of that
 * container.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { noContainers } from './bundle.ts';
import { type Life, lives, resting, until } from './lives.ts';

const FOLDER = join(import.meta.dirname, 'states-before');

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

describe('containers of the version before', { skip: noContainers }, () => {
  const host = lives('before');
  const { runchart } = host;
  after(() => host.close());

  const done = (...argv: string[]) => assert.equal(runchart(...argv).status, 0, argv.join(' '));
  const statusOf = (id: string) => JSON.parse(runchart('state', id).stdout).status;

  /** Replaces the state.json that this version wrote. */
  function withFile(name: string, id: string): void {
    const path = join(runchart.root, id, 'state.json');
    const { id: own, root, bundle, rootfs, init, cgroup, ...others } = readJson(path).snapshot.context;
    const before = readJson(join(FOLDER, `${name}.json`));
    const context = { ...before.snapshot.context, id: own, root, bundle, rootfs, cgroup };
    if (before.snapshot.context.init !== undefined) context.init = init;
    writeFileSync(path, JSON.stringify({ ...before, snapshot: { ...before.snapshot, context } }));
    // This version writes no field that the earlier one did not.
    assert.deepEqual(
      Object.keys(others).filter((field) => !(field in context)),
      [],
    );
    const listed = JSON.parse(runchart('list', '--format', 'json').stdout) as { id: string; status: string }[];
    assert.equal(listed.find((one) => one.id === id)?.status, statusOf(id));
  }

  function created(): string {
    const id = host.idFor(runchart);
    done('create', '-b', host.bundle(id, resting()), id);
    return id;
  }

  const running = (): Life => host.start(resting());

  it('created: starts, runs another process, is killed and deleted', async () => {
    const id = created();
    withFile('created', id);
    assert.equal(statusOf(id), 'created');
    done('start', id);
    done('exec', id, 'true');
    done('kill', id, 'KILL');
    await until('it has ended', () => statusOf(id) === 'stopped');
    done('delete', id);
  });

  it('running: runs another process, is paused, updated, resumed and deleted', () => {
    const { id } = running();
    withFile('running', id);
    done('exec', id, 'true');
    done('pause', id);
    done('update', '--pids-limit', '77', id);
    assert.equal(statusOf(id), 'paused');
    done('resume', id);
    done('delete', '--force', id);
  });

  for (const [name, make, status] of [
    ['paused', () => running().id, 'running'],
    ['paused-before-start', created, 'created'],
  ] as const)
    it(`${name}: goes on from where it was`, () => {
      const id = make();
      done('pause', id);
      withFile(name, id);
      assert.equal(statusOf(id), 'paused');
      assert.notEqual(runchart('delete', id).status, 0);
      done('resume', id);
      assert.equal(statusOf(id), status);
      done('delete', '--force', id);
    });

  it('stopped: is deleted', async () => {
    const { id } = running();
    done('kill', id, 'KILL');
    await until('it has ended', () => statusOf(id) === 'stopped');
    withFile('stopped', id);
    assert.notEqual(runchart('start', id).status, 0);
    done('delete', id);
  });

  it('unfinished: only delete --force deletes it', () => {
    const id = created();
    withFile('unfinished', id);
    assert.equal(statusOf(id), 'creating');
    for (const command of ['start', 'kill', 'delete']) assert.notEqual(runchart(command, id).status, 0, command);
    done('delete', '--force', id);
    assert.notEqual(runchart('state', id).status, 0);
  });

  it('are these files', () => {
    const names = ['created', 'paused-before-start', 'paused', 'running', 'stopped', 'unfinished'];
    assert.deepEqual(
      readdirSync(FOLDER).toSorted(),
      names.map((name) => `${name}.json`),
    );
  });
});
