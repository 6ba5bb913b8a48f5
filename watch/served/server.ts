/** The server of `runchart watch`: files by HTTP, and two kinds of WebSocket. */

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { type Gate, hostsOf, refusal, targetOf } from './gate.ts';
import { answerTo, askingOf, respond } from './http.ts';
import type { PageFile } from './page-files.ts';
import { type PageOptions, servePage } from './page-socket.ts';
import { StatelyClients } from './stately-socket.ts';

export interface ServerOptions extends PageOptions {
  /** An IP address of this machine. */
  readonly address: string;
  /** 0 for any. */
  readonly port: number;
  readonly token: string;
  readonly page: ReadonlyMap<string, PageFile>;
  /** Whether to serve the bridge to stately.ai. */
  readonly stately: boolean;
  /** Whether values of annotations and environment variables may be shown. */
  readonly withValues: boolean;
  /** Called when a page connects for the first time. */
  readonly onFirstPage?: () => void;
}

export interface WatchServer {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A message of a client. A snapshot of a machine has a whole config in it. */
const LARGEST_MESSAGE = 4 * 1024 * 1024;
const PAGE = '/page';
/** `createWebSocketInspector` may be given any path. The package's own default is the root. */
const STATELY = ['/inspect', '/'];

/** @throws Error of one line where the address cannot be listened on */
export async function startServer(options: ServerOptions): Promise<WatchServer> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LARGEST_MESSAGE, perMessageDeflate: false });
  const clients = new StatelyClients(options.hub, options.withValues);
  const server = createServer((request, response) =>
    respond(response, answerTo(gate, options, request.method, askingOf(request))),
  );
  let gate: Gate = { token: options.token, hosts: [] };
  let onFirstPage = options.onFirstPage;

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const asking = askingOf(request);
    const path = targetOf(asking.url)?.pathname ?? '';
    const refused = refusal(gate, asking, true);
    if (refused !== undefined || (path !== PAGE && !STATELY.includes(path))) {
      turnAway(socket, refused === undefined ? '404 Not Found' : `${refused.status} ${refused.reason}`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (connection) => {
      // What is wrong with a connection ends it, and nothing else.
      connection.on('error', () => connection.terminate());
      const served = path === PAGE ? servePage(options, connection) : clients.serve(connection);
      connection.on('message', (data) => served.message(String(data)));
      connection.on('close', () => served.closed());
      if (path === PAGE) {
        onFirstPage?.();
        onFirstPage = undefined;
      }
    });
  }

  server.on('upgrade', upgrade);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(options.port, options.address, resolve);
  try {
    await promise;
  } catch (error) {
    throw new Error(`listen on ${options.address}:${options.port}: ${reasonOf(error)}`, { cause: error });
  }
  const { address, port } = server.address() as AddressInfo;
  gate = { token: options.token, hosts: hostsOf(address, port) };
  return {
    address,
    port,
    async close() {
      for (const connection of sockets.clients) connection.terminate();
      sockets.close();
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function turnAway(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (code === 'EADDRINUSE') return 'EADDRINUSE: another program has this port; --listen names another one';
  if (code === 'EACCES') return 'EACCES: ports below 1024 need more rights; --listen names another one';
  return error instanceof Error ? error.message : String(error);
}
