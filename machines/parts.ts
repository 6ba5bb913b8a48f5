/** The small pieces that the chart is written with: what a transition says, and what an effect is handed. */

import { assertEvent } from 'xstate';
import type { ContainerRecord } from '../spec/record.ts';
import type { LifecycleEvent, Request } from './events.ts';

/** Says that the effect failed. */
export function fail(during: string) {
  return {
    type: 'fail' as const,
    params: ({ event }: { event: { error: unknown } }) => ({ during, error: event.error }),
  };
}

/** Says that the effect failed, and that nothing changes by it. */
export function warn(during: string) {
  return {
    type: 'warn' as const,
    params: ({ event }: { event: { error: unknown } }) => ({ during, error: event.error }),
  };
}

/** Hands the effect's output to an action or a guard. */
export function output<Name extends string>(type: Name) {
  return { type, params: <T>({ event }: { event: { output: T } }): T => event.output };
}

type Given = { context: ContainerRecord; event: LifecycleEvent };

/** What an effect is handed: the record alone, … */
export const record = ({ context }: Given) => ({ record: context });

/** … or with the request that asked for it. */
export function asked<Type extends Request['type']>(type: Type) {
  return ({ context, event }: Given) => {
    assertEvent(event, type);
    return { record: context, request: event };
  };
}
