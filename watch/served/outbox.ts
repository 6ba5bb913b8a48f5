/**
 * Sends messages to a socket of the network. One whose other end is slow may not fill the watcher's memory: it is
 * closed, and the page comes again and gets all anew.
 */

/** What is needed of a WebSocket here. */
export interface Sink {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code: number, reason: string): void;
}

const OPEN = 1;
const TOO_SLOW = 1013;
const MOST_WAITING = 64 * 1024 * 1024;

export function post(socket: Sink, message: object): void {
  if (socket.readyState !== OPEN) return;
  if (socket.bufferedAmount > MOST_WAITING) socket.close(TOO_SLOW, 'too slow');
  else socket.send(JSON.stringify(message));
}
