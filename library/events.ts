/** What a program hears of its containers' lives, and how that is read from the states of their machines. Pure. */

import type { LifecycleChange } from '../runtime/container/container.ts';
import type { Exit } from './exit.ts';

/**
 * A container has come to a state. Each state is told once, as often as the container comes to it. `phase` is a part of
 * a creation or a deletion, by the name that the chart has for it.
 */
export type ContainerEvent =
  | { readonly type: 'creating'; readonly id: string; readonly phase: string }
  | { readonly type: 'restoring'; readonly id: string; readonly phase: string }
  /** The container waits for `start`. */
  | { readonly type: 'created'; readonly id: string; readonly pid: number }
  | { readonly type: 'starting'; readonly id: string; readonly pid: number }
  | { readonly type: 'running'; readonly id: string; readonly pid: number }
  | { readonly type: 'pausing'; readonly id: string; readonly pid: number }
  | { readonly type: 'paused'; readonly id: string; readonly pid: number }
  | { readonly type: 'resuming'; readonly id: string; readonly pid: number }
  | { readonly type: 'checkpointing'; readonly id: string; readonly pid: number }
  /** `exec` has started a process, … */
  | { readonly type: 'exec'; readonly id: string; readonly pid: number }
  /** … and it has ended. */
  | { readonly type: 'exited'; readonly id: string; readonly pid: number; readonly exit: Exit }
  /** The container's process has ended. `exit` says how, where this program can know it. */
  | { readonly type: 'stopped'; readonly id: string; readonly exit?: Exit }
  | { readonly type: 'deleting'; readonly id: string; readonly phase: string }
  | { readonly type: 'deleted'; readonly id: string }
  /** A creation failed, and is being undone: `phase` by phase. */
  | { readonly type: 'unwinding'; readonly id: string; readonly phase: string }
  /** The creation has been undone. Its promise rejects with the reason. */
  | { readonly type: 'failed'; readonly id: string };

type EventType = ContainerEvent['type'];

/** @returns undefined for a state that is not told: before the creation, or between two others */
export function eventOf({ id, value, pid = 0 }: LifecycleChange): ContainerEvent | undefined {
  const [state, phase] = partsOf(value);
  switch (state) {
    case 'creating':
      // A command died in the middle of it, or left something behind.
      if (phase === 'unfinished') return undefined;
      return { type: state, id, phase };
    case 'restoring':
    case 'unwinding':
    case 'deleting':
      return { type: state, id, phase };
    case 'created':
    case 'running':
    case 'paused':
      return lively({ type: INSIDE[phase] ?? state, id, pid });
    case 'starting':
    case 'checkpointing':
      return { type: state, id, pid };
    case 'stopped':
      return { type: state, id };
    case 'deleted':
    case 'failed':
      return { type: state, id };
    default:
      return undefined;
  }
}

type Lively = Extract<ContainerEvent, { readonly pid: number }> & { readonly exit?: never };

const lively = ({ type, id, pid }: { type: Lively['type']; id: string; pid: number }): ContainerEvent => ({
  type,
  id,
  pid,
});

/** What of a settled state's own states is worth telling. The others are the state itself: it has been told. */
const INSIDE: Readonly<Partial<Record<string, Lively['type']>>> = { pausing: 'pausing', resuming: 'resuming' };

/** A machine's state as XState has it: `'starting'`, `{ creating: 'mounts' }`. */
function partsOf(value: unknown): readonly [state: string, phase: string] {
  if (typeof value === 'string') return [value, ''];
  const [[state, phase] = ['', '']] = Object.entries(value ?? {});
  return [state, String(phase)];
}

/** Whether an event only tells again where the container is. */
export function isRepeated(last: ContainerEvent | undefined, event: ContainerEvent): boolean {
  if (last?.type !== event.type) return false;
  return 'phase' in last && 'phase' in event ? last.phase === event.phase : true;
}

/** Whether a container is in this state only while its process lives. After the end nobody wants to hear of it. */
export const isOfTheLiving = (event: ContainerEvent): boolean => 'pid' in event;

/** After these there is no container any more. */
export const LAST: readonly EventType[] = ['deleted', 'failed'];
