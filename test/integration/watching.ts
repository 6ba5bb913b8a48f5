/** Runs `runchart watch` for a test, and is a page and an inspector to it. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after } from 'node:test';
import type { Line } from '../../spec/watch/lines.ts';
import type { FromPage, Summary, ToPage } from '../../spec/watch/messages.ts';
import type { StatelyMessage } from '../../watch/stately/protocol.ts';
import { RUNCHART } from './command-line.ts';

export interface Watching {
  readonly process: ChildProcess;
  /** `http://127.0.0.1:PORT/?token=…` */
  readonly page: URL;
  readonly inspect: URL;
  /** What it has written to standard error. */
  errors(): string;
  /** Ends it as its user would, and waits for that. @returns its exit status */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Those that a test which failed has left. */
const left = new Set<ChildProcess>();
after(() => {
  for (const child of left) child.kill('SIGKILL');
});

/** Starts it, and waits until it can be reached. @param args after `runchart` */
export async function startWatch(...args: readonly string[]): Promise<Watching> {
  const child = spawn(RUNCHART, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  left.add(child);
  child.on('exit', () => left.delete(child));
  let output = '';
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const exited = once(child, 'exit');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.stdout.on('data', (data) => {
    output += data;
    if (/^inspectors: .*\n/m.test(output)) resolve();
  });
  void exited.then(([status]) => reject(new Error(`runchart watch ended with ${status}: ${errors}`)));
  await promise;
  const link = (name: string) => new URL(new RegExp(`^${name}: +(.*)$`, 'm').exec(output)?.[1] ?? '');
  return {
    process: child,
    page: link('page'),
    inspect: link('inspectors'),
    errors: () => errors,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      const [status] = await exited;
      return status;
    },
  };
}

/** A client of one of its two kinds of WebSocket, which keeps all that it gets. */
export interface Client<Message> {
  readonly messages: readonly Message[];
  send(message: object): void;
  /** Waits until something is true of what came. */
  until(what: (messages: readonly Message[]) => boolean): Promise<void>;
  close(): Promise<void>;
}

async function connect<Message>(url: URL): Promise<Client<Message>> {
  const socket = new WebSocket(url);
  const messages: Message[] = [];
  let wake = Promise.withResolvers<void>();
  socket.addEventListener('message', ({ data }) => {
    messages.push(JSON.parse(String(data)));
    wake.resolve();
    wake = Promise.withResolvers();
  });
  const closed = once(socket, 'close');
  await Promise.race([once(socket, 'open'), closed.then(() => assert.fail(`${url} is closed`))]);
  return {
    messages,
    send: (message) => socket.send(JSON.stringify(message)),
    async until(what) {
      while (!what(messages))
        await Promise.race([wake.promise, closed.then(() => assert.fail('the server closed the connection'))]);
    },
    async close() {
      socket.close();
      await closed;
    },
  };
}

export interface Page extends Client<ToPage> {
  /** All lines that came, in order. */
  lines(): readonly Line[];
  /** The container as it was told last. */
  container(id: string): Summary | undefined;
  /** Waits until a container stands somewhere: `created`, `creating.mounts`, `deleted`. */
  at(id: string, place: string): Promise<Summary>;
  /** Waits until a command that works on a container has ended. */
  ended(id: string, command: string): Promise<Summary>;
  ask(root: string, id: string): Promise<Extract<ToPage, { type: 'runchart.record' }>>;
}

export async function openPage({ page }: Pick<Watching, 'page'>): Promise<Page> {
  const client = await connect<ToPage>(new URL(`/page${page.search}`, `ws://${page.host}`));
  await client.until((messages) => messages.length > 0);
  const container = (id: string): Summary | undefined =>
    client.messages
      .flatMap((message) => (message.type === 'runchart.containers' ? message.containers : []))
      .findLast((one) => one.id === id);
  const become = async (id: string, what: (summary: Summary) => boolean): Promise<Summary> => {
    let found: Summary | undefined;
    await client.until(() => {
      found = container(id);
      return found !== undefined && what(found);
    });
    return found ?? assert.fail(id);
  };
  return {
    ...client,
    lines: () => client.messages.flatMap((message) => (message.type === 'runchart.lines' ? message.lines : [])),
    container,
    at: (id, place) => become(id, (summary) => summary.place === place),
    ended: (id, command) => become(id, ({ last }) => last?.command === command && last.ended !== undefined),
    async ask(root, id) {
      const ask: FromPage = { type: 'runchart.ask', root, id };
      const before = client.messages.length;
      client.send(ask);
      const isAnswer = (message: ToPage) => message.type === 'runchart.record' && message.id === id;
      await client.until((messages) => messages.slice(before).some(isAnswer));
      const answer = client.messages.slice(before).find(isAnswer);
      return answer?.type === 'runchart.record' ? answer : assert.fail(id);
    },
  };
}

export const openInspector = ({ inspect }: Pick<Watching, 'inspect'>): Promise<Client<StatelyMessage>> =>
  connect<StatelyMessage>(inspect);
