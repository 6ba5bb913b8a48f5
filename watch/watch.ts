/** `runchart watch`: hears commands, or plays a file, and serves what it knows to pages and inspectors. */

import type { Platform } from '../native/platform.ts';
import { play } from './files/play.ts';
import { openRecorder, readRecording } from './files/recording.ts';
import { Hub } from './heard/hub.ts';
import { type WatchedRoot, watchRoot } from './heard/state-root.ts';
import { pageFolder, readPage } from './served/page-files.ts';
import { startServer } from './served/server.ts';

export interface WatchOptions {
  readonly platform: Platform;
  /** Of runchart. */
  readonly version: string;
  /** The state roots, absolute. Not looked at where a file is played. */
  readonly roots: readonly string[];
  /** A recording or a trace to play. */
  readonly file?: string | undefined;
  /** How fast to play it: 1 as it was, Infinity at once. */
  readonly speed: number;
  readonly address: string;
  readonly port: number;
  readonly token: string;
  readonly stately: boolean;
  readonly withValues: boolean;
  /** Where to record to. */
  readonly record?: string | undefined;
  warn(message: string): void;
  /** Called once the server can be reached. */
  ready(links: Links): void;
}

export interface Links {
  readonly page: string;
  /** For inspectors of Stately's protocol. */
  readonly inspect: string;
  /** With `stately`. */
  readonly stately?: string;
}

/**
 * @param until ends the watch
 * @throws Error of one line
 */
export async function watch(options: WatchOptions, until: Promise<unknown>): Promise<void> {
  const { file, roots, platform, withValues, warn } = options;
  const hub = new Hub();
  const recording = file === undefined ? undefined : readRecording(file);
  if (recording !== undefined && recording.others > 0)
    warn(`${recording.others} lines of ${file} are none of a recording or a trace: they are left out`);
  using undo = new DisposableStack();
  if (options.record !== undefined) {
    const recorder = openRecorder(options.record, warn);
    undo.defer(() => recorder.close());
    hub.listen({ lines: (lines) => recorder.write(lines), containers: () => undefined });
  }
  const watched =
    file === undefined ? roots.map((root) => undo.use(watchRoot({ platform, root, withValues, hub }))) : [];
  const opened = Promise.withResolvers<void>();
  const server = await startServer({
    hub,
    greeting: {
      version: options.version,
      roots: file === undefined ? roots : [],
      values: withValues,
      live: file === undefined,
      ...(file !== undefined && { file }),
    },
    record: recordsOf(watched),
    address: options.address,
    port: options.port,
    token: options.token,
    page: readPage(pageFolder()),
    stately: options.stately,
    withValues,
    onFirstPage: opened.resolve,
  });
  let isOver = false;
  const over = until.then(() => {
    isOver = true;
    opened.resolve();
    for (const one of watched) one.stop();
  });
  try {
    options.ready(linksOf(server.address, server.port, options));
    const serving = watched.map((one) => one.serve());
    if (recording !== undefined) {
      await opened.promise;
      const sleep = (milliseconds: number) =>
        Promise.race([over, new Promise<void>((wake) => setTimeout(wake, milliseconds))]);
      await play(recording.lines, { speed: options.speed, sleep, isOver: () => isOver }, (lines) => hub.take(lines));
    }
    await Promise.all([over, ...serving]);
  } finally {
    await server.close();
  }
}

const recordsOf = (watched: readonly WatchedRoot[]) => async (root: string, id: string) => {
  const found = watched.find((one) => one.root === root);
  if (found === undefined) throw new Error('this container is not below a state root that is watched');
  return found.record(id);
};

function linksOf(address: string, port: number, { token, stately }: Pick<WatchOptions, 'token' | 'stately'>): Links {
  const host = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  return {
    page: `http://${host}/?token=${token}`,
    inspect: `ws://${host}/inspect?token=${token}`,
    ...(stately && { stately: `http://${host}/stately?token=${token}` }),
  };
}
