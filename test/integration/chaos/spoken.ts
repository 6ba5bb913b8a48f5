/**
 * A container in the hands of dist/runchart: each request is a command. What commands print is compared with what the
 * kernel shows.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { members } from '../../../effects/cgroups/members.ts';
import type { Answer } from '../../../machines/ask.ts';
import type { Request } from '../../../machines/events.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import type { ContainerRecord } from '../../../spec/record.ts';
import { type CommandLine, messageOf } from '../command-line.ts';
import { type Commands, commandsOn, type Place } from './scene.ts';
import type { Real } from './twin.ts';

/** What precedes the reason in the messages of commands. */
const PREFIX = /^(runchart (create|run)|exec) failed: /;

export class SpokenCommands implements Real {
  readonly #by: CommandLine;
  readonly #place: Place;
  /** Looks at the container without the command line. */
  readonly #silent: Commands;

  /** @param by runs commands with the place's state root */
  constructor(by: CommandLine, place: Place) {
    this.#by = by;
    this.#place = place;
    this.#silent = commandsOn(place);
  }

  async create(): Promise<ContainerRecord> {
    await this.#quietly('create', '--bundle', this.#place.bundle, this.#place.id);
    return this.#record();
  }

  run(): Promise<void> {
    return this.#quietly('run', '--detach', '--bundle', this.#place.bundle, this.#place.id);
  }

  delete(force: boolean): Promise<void> {
    return this.#quietly('delete', ...(force ? ['--force'] : []), this.#place.id);
  }

  async ask(request: Request): Promise<Answer> {
    const { id } = this.#place;
    if (request.type === 'kill')
      await this.#quietly('kill', ...(request.all ? ['--all'] : []), id, String(request.signal));
    else if (request.type === 'exec')
      assert.match(await this.#say(7, 'exec', id, 'sh', '-c', 'echo $$; exit 7'), /^([2-9]|\d\d+)\n$/);
    else if (request.type === 'events') await this.#events();
    else if (request.type === 'update') await this.#update(String(request.config.linux?.resources?.pids?.limit));
    else await this.#quietly(request.type, id);
    return { outcome: 'done', warnings: [] };
  }

  async #events(): Promise<void> {
    const { id } = this.#place;
    const { data, ...rest } = JSON.parse(await this.#say(0, 'events', '--stats', id));
    assert.deepEqual(rest, { type: 'stats', id });
    const seen = await this.#record();
    if (existsSync(pidsMax(seen))) assert.equal(data.pids.current ?? 0, processes(seen).length);
  }

  async #update(pidsLimit: string): Promise<void> {
    const { id } = this.#place;
    const file = pidsMax(await this.#record());
    // Where the controllers belong to v1, there is no such limit in a v2 view of the host.
    if (!existsSync(file)) return this.#quietly('update', id);
    await this.#quietly('update', '--pids-limit', pidsLimit, id);
    assert.equal(readFileSync(file, 'utf8').trim(), pidsLimit);
  }

  async look(): ReturnType<Commands['look']> {
    const { id, bundle } = this.#place;
    for (;;) {
      const found = await this.#silent.look();
      const { status, record } = found;
      const inside = processes(record);
      const state = JSON.parse(await this.#say(0, 'state', id));
      const shown: number[] = JSON.parse(await this.#say(0, 'ps', '--format', 'json', id)) ?? [];
      // Processes take a moment to die. If something changed while we looked, we look again.
      if ((await this.#silent.look()).status !== status || processes(record).length !== inside.length) continue;
      assert.deepEqual([state.id, state.status, state.bundle], [id, status, bundle]);
      assert.equal(state.pid, status === 'stopped' ? 0 : record.init?.pid);
      assert.deepEqual(shown.toSorted(), inside.toSorted());
      return found;
    }
  }

  async list(): Promise<readonly { readonly id: string }[]> {
    const shown: { id: string; status: string }[] = JSON.parse(await this.#say(0, 'list', '--format', 'json')) ?? [];
    for (const one of shown) assert.equal(one.status, (await this.#silent.look()).status);
    return shown;
  }

  async #record(): Promise<ContainerRecord> {
    return (await this.#silent.look()).record;
  }

  /** @returns what the command wrote. @throws Error with the reason that it gave */
  async #say(expected: number, ...argv: readonly string[]): Promise<string> {
    const ended = this.#by(...argv);
    if (ended.stderr !== '') throw new Error(messageOf(ended).replace(PREFIX, ''));
    assert.equal(ended.status, expected, argv.join(' '));
    return ended.stdout;
  }

  async #quietly(...argv: readonly string[]): Promise<void> {
    assert.equal(await this.#say(0, ...argv), '', argv.join(' '));
  }
}

const processes = ({ cgroup }: ContainerRecord): readonly number[] =>
  cgroup === undefined ? [] : members(hostPlatform().local, cgroup);

const pidsMax = ({ cgroup }: ContainerRecord): string =>
  join(cgroup?.paths.pids ?? cgroup?.paths.unified ?? '', 'pids.max');
