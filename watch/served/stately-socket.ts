/**
 * The connection of a client of Stately's protocol: an inspector, which hears, or a program with an inspector of
 * @statelyai/inspect, which tells. Which of them it is shows when it tells something.
 */

import { epochSeconds } from '../../native/trace/time.ts';
import type { Line } from '../../spec/watch/lines.ts';
import type { Hub } from '../heard/hub.ts';
import { StatelyHearer } from '../stately/hear.ts';
import { StatelySpeaker } from '../stately/speak.ts';
import { post, type Sink } from './outbox.ts';

/** In the place of the state root, for machines that are told of from elsewhere. */
export const INSPECTED = 'inspector';

export class StatelyClients {
  readonly #hub: Hub;
  readonly #withValues: boolean;
  readonly #speaker = new StatelySpeaker();
  readonly #sockets = new Set<Sink>();
  #count = 0;

  constructor(hub: Hub, withValues: boolean) {
    this.#hub = hub;
    this.#withValues = withValues;
    hub.listen({ lines: (lines) => this.#tell(lines), containers: () => undefined });
    this.#tell(hub.history.lines);
  }

  /** @returns what to do with a message of the client, and at its end */
  serve(socket: Sink): { message(text: string): void; closed(): void } {
    const hearer = new StatelyHearer(this.#withValues, ++this.#count);
    for (const message of this.#speaker.present) post(socket, message);
    this.#sockets.add(socket);
    let tells = false;
    return {
      message: (text) => {
        const lines = hearer.lines(text);
        // A program is not told what it tells.
        if (lines.length > 0) this.#sockets.delete(socket);
        if (lines.length > 0 && !tells) this.#hub.take([this.#beginning(hearer.run)], INSPECTED);
        tells ||= lines.length > 0;
        this.#hub.take(lines, INSPECTED);
      },
      closed: () => {
        this.#sockets.delete(socket);
        if (tells) this.#hub.over(INSPECTED, hearer.run, epochSeconds());
      },
    };
  }

  #beginning(run: string): Line {
    return { type: 'command', at: epochSeconds(), run, format: 1, version: '', command: 'inspect', pid: 0 };
  }

  #tell(lines: readonly Line[]): void {
    for (const line of lines)
      for (const message of this.#speaker.messages(line)) for (const socket of this.#sockets) post(socket, message);
  }
}
