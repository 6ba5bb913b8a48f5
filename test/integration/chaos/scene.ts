/** A container on the real kernel, in the hands of commands whose system calls a test can see, fail or end with. */

import { closeSync, existsSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer } from '../../../machines/ask.ts';
import type { Request } from '../../../machines/events.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import type { Platform } from '../../../native/platform.ts';
import { succeed } from '../../../runtime/container/answers.ts';
import { type Context, PATIENCE } from '../../../runtime/container/context.ts';
import { observe } from '../../../runtime/container/observe.ts';
import { openExisting, optionsFor } from '../../../runtime/container/open.ts';
import { createContainer } from '../../../runtime/operations/create.ts';
import { deleteContainer } from '../../../runtime/operations/delete.ts';
import { lookAt, lookAtAll } from '../../../runtime/store/look.ts';
import type { ContainerRecord } from '../../../spec/record.ts';
import type { Status } from '../../../spec/types.ts';

export interface Place {
  readonly id: string;
  /** The state root. */
  readonly root: string;
  readonly bundle: string;
}

/** What one user does to one container. Every method is a command of its own: it opens, acts, closes. @throws Error of one line */
export interface Commands {
  readonly warnings: readonly string[];
  create(): Promise<ContainerRecord>;
  start(): Promise<void>;
  ask(request: Request): Promise<Answer>;
  kill(signal: number, all?: boolean): Promise<void>;
  delete(force: boolean): Promise<void>;
  /** undefined where there is no container. */
  look(): Promise<{ readonly status: Status; readonly record: ContainerRecord }>;
  /** The ids that `list` shows, and those that it warns of. */
  list(): Promise<readonly { readonly id: string; readonly problem?: unknown }[]>;
}

export function commandsOn({ id, root, bundle }: Place, platform: Platform = hostPlatform()): Commands {
  const warnings: string[] = [];
  const context: Context = {
    platform,
    host: { cwd: '/', env: {}, uid: 0, gid: 0, pid: process.pid },
    root,
    systemdCgroup: false,
    patience: PATIENCE,
    now: () => new Date().toISOString(),
    warn: (message) => warnings.push(message),
  };
  const look = {
    kernel: platform.local,
    root,
    observe: (record: ContainerRecord) => observe(platform, record),
  };

  async function ask(request: Request): Promise<Answer> {
    const container = await openExisting(context, id, request.type);
    try {
      return await container.request(request);
    } finally {
      container.close();
    }
  }

  return {
    warnings,
    ask,
    async create() {
      const nothing = openSync('/dev/null', 'r+');
      try {
        const created = await createContainer(context, {
          id,
          bundle,
          inheritance: { stdio: [nothing, nothing, nothing], preserveFds: 0 },
        });
        const { record } = created;
        created.close();
        return record;
      } finally {
        closeSync(nothing);
      }
    },
    start: async () => succeed(context, await ask({ type: 'start' })),
    kill: async (signal, all = false) => succeed(context, await ask({ type: 'kill', signal, all })),
    delete: async (force) => succeed(context, await deleteContainer(optionsFor(context, id), force)),
    look: () => lookAt(look, id),
    list: () => lookAtAll(look),
  };
}

/** A container of the test's own below a folder of its own. */
export const placeIn = (folder: string, name: string, bundle: string): Place => ({
  id: `runchart-test-${process.pid}-${name}`,
  root: join(folder, 'state'),
  bundle,
});

/** Whatever a failed test left below the folder's state root. */
export async function deleteAll(folder: string): Promise<void> {
  const root = join(folder, 'state');
  for (const id of existsSync(root) ? readdirSync(root) : [])
    if (id.startsWith('runchart-test-')) await commandsOn({ id, root, bundle: '' }).delete(true);
}
