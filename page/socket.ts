/** The connection to `runchart watch`. When it ends, it is made anew: the server may have been started again. */

import type { FromPage, ToPage } from '../spec/watch/messages.ts';

export type Connection = 'connecting' | 'open' | 'lost';

interface Listener {
  onMessage(message: ToPage): void;
  onChange(connection: Connection): void;
}

const FIRST_WAIT = 250;
const LONGEST_WAIT = 4000;

/** @returns sends a message, if there is a connection */
export function connect(url: string, { onMessage, onChange }: Listener): (message: FromPage) => void {
  let socket: WebSocket | undefined;
  let wait = FIRST_WAIT;
  const open = (): void => {
    const own = new WebSocket(url);
    socket = own;
    own.addEventListener('message', ({ data }) => {
      const message = parsed(data);
      if (message === undefined) return;
      wait = FIRST_WAIT;
      if (message.type === 'runchart.hello') onChange('open');
      onMessage(message);
    });
    own.addEventListener('close', () => {
      if (socket === own) socket = undefined;
      onChange('lost');
      setTimeout(open, wait);
      wait = Math.min(LONGEST_WAIT, wait * 1.6);
    });
  };
  onChange('connecting');
  open();
  return (message) => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };
}

function parsed(data: unknown): ToPage | undefined {
  try {
    const message: unknown = JSON.parse(String(data));
    return isMessage(message) ? message : undefined;
  } catch {
    return undefined;
  }
}

const isMessage = (value: unknown): value is ToPage =>
  typeof value === 'object' && value !== null && 'type' in value && String(value.type).startsWith('runchart.');
