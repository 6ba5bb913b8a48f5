/**
 * A terminal in a web page: each visitor gets a container, which is gone when the page is closed. As root: `node
 * docs/examples/web-terminal.ts ROOTFS [PORT]`. `ws` is the package of that name.
 *
 * The page sends what is typed as text, and the size as JSON in a binary message.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openRuntime } from 'runchart';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';

const [, , rootfs = '', port = '0'] = process.argv;
const runtime = openRuntime({ root: '/run/runchart-example' });

const PAGE = `<!doctype html><meta charset="utf-8"><title>terminal</title><pre id="screen" tabindex="0"></pre><script>
  const screen = document.getElementById('screen');
  const socket = new WebSocket(location.href.replace('http', 'ws'));
  socket.binaryType = 'arraybuffer';
  const decoder = new TextDecoder();
  socket.onmessage = ({ data }) => screen.append(decoder.decode(data, { stream: true }).replaceAll('\\r', ''));
  socket.onopen = () => socket.send(new TextEncoder().encode(JSON.stringify({ width: 80, height: 24 })));
  const keys = { Enter: '\\r', Backspace: '\\x7f', Tab: '\\t', Escape: '\\x1b' };
  onkeydown = (event) => {
    const key = event.ctrlKey ? String.fromCharCode(event.key.charCodeAt(0) & 31) : keys[event.key] ?? event.key;
    if (key.length > 1) return;
    event.preventDefault();
    socket.send(key);
  };
</script>`;

const server = createServer((request, response) => {
  response.writeHead(request.url === '/' ? 200 : 404, { 'content-type': 'text/html' });
  response.end(request.url === '/' ? PAGE : '');
});

new WebSocketServer({ server }).on('connection', (socket) => {
  void serve(socket).catch((error: unknown) => socket.close(1011, error instanceof Error ? error.message : ''));
});

async function serve(socket: WebSocket): Promise<void> {
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  const shell = runtime.run({
    rootfs,
    args: ['sh'],
    env: { TERM: 'dumb', PS1: '$ ' },
    terminal: { width: 80, height: 24 },
    network: 'none',
    memory: '64m',
    signal: closed.signal,
  });
  const { terminal } = shell;
  if (terminal === undefined) return;
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) terminal.resize(JSON.parse(data.toString()));
    else terminal.write(data);
  });
  const toPage = createWebSocketStream(socket);
  toPage.on('error', () => undefined);
  terminal.pipe(toPage);
  await shell.catch((error: unknown) => {
    if (!closed.signal.aborted) throw error;
  });
  socket.close();
}

server.listen(Number(port), '127.0.0.1', () => {
  console.log(`listening on port ${(server.address() as AddressInfo).port}`);
});

process.once('SIGTERM', () => {
  server.close();
  runtime.close();
  process.exit();
});
