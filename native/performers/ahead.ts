/** Batches for an init that are written before it is their turn: see `Ahead`. */

import type { Ahead, Call, Kernel, Settle } from '../kernel/kernel.ts';
import type { InitConnection } from './connection.ts';
import type { Message, MessageWriter } from './message.ts';

interface Written {
  readonly message: Message;
  readonly calls: readonly Call[];
  readonly settle: Settle;
}

/**
 * @param connection where they are posted
 * @param kernel the same init's
 */
export function aheadOf(connection: InitConnection, kernel: Kernel, write: MessageWriter): Ahead {
  const written: Written[] = [];
  let isPosted = false;
  const wait = (): void => {
    if (!isPosted) throw new TypeError('what is written ahead has not been performed');
    connection.flush();
  };
  return {
    kernel: {
      performer: connection.performer,
      submit(calls) {
        wait();
        return kernel.submit(calls);
      },
      post(calls, settle) {
        if (isPosted) return connection.post(calls, settle);
        const message = write(calls, true);
        // The next message is written in the same memory.
        written.push({ message: { ...message, bytes: message.bytes.slice(0, message.size) }, calls, settle });
      },
      flush: wait,
    },
    get size() {
      const sum = (bytesOf: (message: Message) => number) => written.reduce((n, one) => n + bytesOf(one.message), 0);
      return Math.max(
        sum(({ size }) => size),
        sum(({ answerBytes }) => answerBytes),
      );
    },
    post() {
      isPosted = true;
      for (const { message, calls, settle } of written.splice(0)) connection.postMessage(message, calls, settle);
    },
  };
}
