/** The connection of a page: it gets everything that is known, then what happens, and may ask for a record. */

import { epochSeconds } from '../../native/trace/time.ts';
import { LINES_VERSION, type Line } from '../../spec/watch/lines.ts';
import type { FromPage, Hello, RecordAnswer, Summary, ToPage } from '../../spec/watch/messages.ts';
import type { Hub } from '../heard/hub.ts';
import { post, type Sink } from './outbox.ts';

/** What the page is greeted with. */
export type Greeting = Omit<Hello, 'type' | 'now' | 'format'>;

export interface PageOptions {
  readonly hub: Hub;
  readonly greeting: Greeting;
  record(root: string, id: string): Promise<Readonly<Record<string, unknown>>>;
}

/** Lines go to the page together, at most so long after they came. */
const TOGETHER_MS = 16;
/** Lines in one message. */
const AT_ONCE = 1000;

/** @returns what to do with a message of the page, and at its end */
export function servePage(
  { hub, greeting, record }: PageOptions,
  socket: Sink,
): { message(text: string): void; closed(): void } {
  let lines: Line[] = [];
  let changed = new Map<string, Summary>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tell = (message: ToPage): void => post(socket, message);

  function flush(): void {
    timer = undefined;
    for (let at = 0; at < lines.length; at += AT_ONCE)
      tell({ type: 'runchart.lines', lines: lines.slice(at, at + AT_ONCE) });
    // After the lines that changed them: whoever sees a container's state has what led to it.
    if (changed.size > 0) tell({ type: 'runchart.containers', containers: [...changed.values()] });
    lines = [];
    changed = new Map();
  }

  const soon = (): void => {
    timer ??= setTimeout(flush, TOGETHER_MS);
  };

  tell({ type: 'runchart.hello', ...greeting, format: LINES_VERSION, now: epochSeconds() });
  tell({ type: 'runchart.containers', containers: hub.containers });
  lines = [...hub.history.lines];
  flush();
  const leave = hub.listen({
    lines(more) {
      lines.push(...more);
      soon();
    },
    containers(more) {
      for (const one of more) changed.set(`${one.root}\0${one.id}`, one);
      soon();
    },
  });

  async function answer({ root, id }: FromPage): Promise<void> {
    let message: RecordAnswer;
    try {
      message = { type: 'runchart.record', root, id, record: await record(root, id) };
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      message = { type: 'runchart.record', root, id, record: null, problem };
    }
    tell(message);
  }

  return {
    message(text) {
      const ask = askIn(text);
      if (ask !== undefined) void answer(ask);
    },
    closed() {
      clearTimeout(timer);
      leave();
    },
  };
}

function askIn(text: string): FromPage | undefined {
  try {
    const { type, root, id } = JSON.parse(text) ?? {};
    if (type === 'runchart.ask' && typeof root === 'string' && typeof id === 'string') return { type, root, id };
  } catch {
    // A page of ours sends nothing else.
  }
  return undefined;
}
