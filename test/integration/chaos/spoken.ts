/** A container in the hands of dist/runchart: each request a command, whose output is held against the kernel's view. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { members } from '../../../effects/cgroups/members.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import type { ContainerRecord } from '../../../spec/record.ts';
import { type CommandLine, messageOf } from '../command-line.ts';
import { type Commands, commandsOn, type Place } from './scene.ts';
import type { Real } from './twin.ts';

/** What engines and people read before the reason. */
const PREFIX = /^(runchart (create|run)|exec) failed: /;

/** @param by of the place's root */
export function spokenCommands(by: CommandLine, place: Place): Real {
  const { id, bundle } = place;
  const silent: Commands = commandsOn(place);
  const { local } = hostPlatform();

  /** @returns what it wrote @throws Error with the reason that it gave */
  async function say(expected: number, ...argv: readonly string[]): Promise<string> {
    const ended = by(...argv);
    if (ended.stderr !== '') throw new Error(messageOf(ended).replace(PREFIX, ''));
    assert.equal(ended.status, expected, argv.join(' '));
    return ended.stdout;
  }

  async function quietly(...argv: readonly string[]): Promise<void> {
    assert.equal(await say(0, ...argv), '', argv.join(' '));
  }

  const record = async (): Promise<ContainerRecord> => (await silent.look()).record;
  const processes = ({ cgroup }: ContainerRecord): readonly number[] =>
    cgroup === undefined ? [] : members(local, cgroup);

  return {
    async create() {
      await quietly('create', '--bundle', bundle, id);
      return record();
    },
    run: () => quietly('run', '--detach', '--bundle', bundle, id),
    delete: (force) => quietly('delete', ...(force ? ['--force'] : []), id),

    async ask(request) {
      switch (request.type) {
        case 'kill':
          await quietly('kill', ...(request.all ? ['--all'] : []), id, String(request.signal));
          break;
        case 'exec':
          assert.match(await say(7, 'exec', id, 'sh', '-c', 'echo $$; exit 7'), /^([2-9]|\d\d+)\n$/);
          break;
        case 'events': {
          const { data, ...rest } = JSON.parse(await say(0, 'events', '--stats', id));
          assert.deepEqual(rest, { type: 'stats', id });
          const seen = await record();
          if (existsSync(pidsMax(seen))) assert.equal(data.pids.current ?? 0, processes(seen).length);
          break;
        }
        case 'update': {
          const limit = String(request.config.linux?.resources?.pids?.limit);
          // A v2 view of a host whose controllers are v1's has no such limit.
          const file = pidsMax(await record());
          if (!existsSync(file)) await quietly('update', id);
          else {
            await quietly('update', '--pids-limit', limit, id);
            assert.equal(readFileSync(file, 'utf8').trim(), limit);
          }
          break;
        }
        default:
          await quietly(request.type, id);
      }
      return { outcome: 'done', warnings: [] };
    },

    async look() {
      for (;;) {
        const found = await silent.look();
        const { status, record: seen } = found;
        const inside = processes(seen);
        const state = JSON.parse(await say(0, 'state', id));
        const shown: number[] = JSON.parse(await say(0, 'ps', '--format', 'json', id)) ?? [];
        // Dying takes a moment: what changed while it was looked at is looked at again.
        if ((await silent.look()).status !== status || processes(seen).length !== inside.length) continue;
        assert.deepEqual([state.id, state.status, state.bundle], [id, status, bundle]);
        assert.equal(state.pid, status === 'stopped' ? 0 : seen.init?.pid);
        assert.deepEqual(shown.toSorted(), inside.toSorted());
        return found;
      }
    },

    async list() {
      const shown: { id: string; status: string }[] = JSON.parse(await say(0, 'list', '--format', 'json')) ?? [];
      for (const one of shown) assert.equal(one.status, (await silent.look()).status);
      return shown;
    },
  };
}

const pidsMax = ({ cgroup }: ContainerRecord): string =>
  join(cgroup?.paths.pids ?? cgroup?.paths.unified ?? '', 'pids.max');
