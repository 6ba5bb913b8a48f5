/** The streams of Exec, Attach and PortForward: WebSockets to containerd's streaming server, as clients open them. */

import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { NetworkNamespace } from './netns.ts';

/** The channels of `v4.channel.k8s.io`, the first byte of each message. */
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const STATUS = 3;
const RESIZE = 4;

export interface Stream {
  stdin(text: string): void;
  resize(columns: number, rows: number): void;
  /** Waits until standard output has this. @returns all of it */
  seen(pattern: RegExp): Promise<string>;
  /** Waits for the end. */
  end(): Promise<{ readonly stdout: string; readonly stderr: string; readonly status: unknown }>;
  close(): void;
}

/** @param address what containerd answered to Exec or Attach */
export async function openStream(network: NetworkNamespace, address: string): Promise<Stream> {
  const { socket, channels, next } = await open(network, address);
  const channel = (number: number) => Buffer.concat(channels.get(number) ?? []).toString();
  const ended = once(socket, 'close');
  const send = (number: number, text: string) => socket.send(Buffer.concat([Buffer.from([number]), Buffer.from(text)]));
  return {
    stdin: (text) => send(STDIN, text),
    resize: (columns, rows) => send(RESIZE, JSON.stringify({ Width: columns, Height: rows })),
    async seen(pattern) {
      while (!pattern.test(channel(STDOUT))) {
        if (socket.readyState !== WebSocket.OPEN) throw new Error(`never: ${JSON.stringify(channel(STDOUT))}`);
        await next();
      }
      return channel(STDOUT);
    },
    async end() {
      await ended;
      const status = channel(STATUS);
      return {
        stdout: channel(STDOUT),
        stderr: channel(STDERR),
        status: status === '' ? 'none' : JSON.parse(status),
      };
    },
    close: () => socket.close(),
  };
}

/**
 * One connection to a port of a pod.
 * @param address what containerd answered to PortForward
 * @returns what the pod has sent, and what went wrong
 */
export async function forward(network: NetworkNamespace, address: string, text: string): Promise<readonly string[]> {
  const { socket, channels, next } = await open(network, address);
  // Each channel begins with the port in two bytes.
  const told = (number: number) =>
    Buffer.concat(channels.get(number) ?? [])
      .subarray(2)
      .toString();
  socket.send(Buffer.concat([Buffer.from([0]), Buffer.from(text)]));
  while (socket.readyState === WebSocket.OPEN && told(0) === '' && told(1) === '') await next();
  socket.close();
  return [told(0), told(1)];
}

async function open(network: NetworkNamespace, address: string) {
  const { port } = new URL(address);
  const socket = new WebSocket(address, 'v4.channel.k8s.io', {
    createConnection: () => network.connect(Number(port)),
  } as object);
  const channels = new Map<number, Buffer[]>();
  socket.on('message', (data: Buffer) => {
    const [number = -1] = data;
    channels.set(number, [...(channels.get(number) ?? []), data.subarray(1)]);
  });
  const next = () => Promise.race([once(socket, 'message'), once(socket, 'close')]);
  await once(socket, 'open');
  return { socket, channels, next };
}
