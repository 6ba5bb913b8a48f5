/** A state root that is watched: its socket, and what lies in it. */

import type { Platform } from '../../native/platform.ts';
import { epochSeconds } from '../../native/trace/time.ts';
import { observe } from '../../runtime/container/observe.ts';
import { lookAt, lookAtAll, type View } from '../../runtime/store/look.ts';
import { withoutValues } from '../../runtime/telling/redact.ts';
import { checkContainerId } from '../../spec/id.ts';
import type { Hub } from './hub.ts';
import { readLine } from './read-line.ts';
import { openWatchSocket } from './socket.ts';
import { shownOf } from './summaries.ts';

/** How often the state root is looked at. A container's end is no command's doing: nobody tells it. */
const LOOK_EVERY_MS = 1000;
/** Where there are many containers a look takes long. It takes this part of the time, at most. */
const LOOK_SHARE = 1 / 20;
/** After the end of a command, a look waits this long for others that come with it. */
const LOOK_SOON_MS = 20;

type Members = Readonly<Record<string, unknown>>;

interface WatchedRootOptions {
  readonly platform: Platform;
  /** Absolute. */
  readonly root: string;
  /** Whether the values of annotations and environment variables may be shown. */
  readonly withValues: boolean;
  readonly hub: Hub;
}

export interface WatchedRoot extends Disposable {
  readonly root: string;
  /** Watches until `stop`. */
  serve(): Promise<void>;
  stop(): void;
  /** The record of a container, as state.json has it. @throws StoreError */
  record(id: string): Promise<Members>;
}

/** @throws Error of one line where this state root cannot be watched by this process */
export function watchRoot({ platform, root, withValues, hub }: WatchedRootOptions): WatchedRoot {
  const runs = new Map<number, string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;
  const shown = (record: object): Members => (withValues ? { ...record } : withoutValues({ ...record }));
  const options = {
    kernel: platform.local,
    root,
    observe: (record: Parameters<typeof observe>[1]) => observe(platform, record),
  };

  async function look(): Promise<void> {
    const start = performance.now();
    try {
      const all = await lookAtAll(options);
      const at = epochSeconds();
      const seen = new Map(all.flatMap(({ id, view }) => (view === undefined ? [] : [[id, summaryOf(view)] as const])));
      // A state.json that cannot be read does not mean that the container is gone.
      if (all.every(({ problem }) => problem === undefined)) hub.look(root, seen, at);
    } catch {
      // The state root may be gone for a moment, or for ever. There is nobody to tell, and the next look will see.
    }
    lookIn(Math.max(LOOK_EVERY_MS, (performance.now() - start) / LOOK_SHARE));
  }

  const summaryOf = ({ status, record }: View) => ({ ...shownOf({ record: shown(record) }), status });

  function lookIn(milliseconds: number): void {
    clearTimeout(timer);
    if (!isStopped) timer = setTimeout(() => void look(), milliseconds);
  }

  const socket = openWatchSocket(platform, root, withValues, {
    packet(connection, text) {
      const lines = text.split('\n').flatMap((one) => readLine(one) ?? []);
      if (lines[0] !== undefined) runs.set(connection, lines[0].run);
      hub.take(lines, root);
    },
    over(connection) {
      const run = runs.get(connection);
      runs.delete(connection);
      if (run !== undefined) hub.over(root, run, epochSeconds());
      lookIn(LOOK_SOON_MS);
    },
  });

  return {
    root,
    async serve() {
      await look();
      await socket.serve();
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
      socket.stop();
    },
    async record(id) {
      checkContainerId(id);
      return shown((await lookAt(options, id)).record);
    },
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}
