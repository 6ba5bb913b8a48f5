/** What is told of a container's record, which is the context of its machine. */

import type { RecordLine } from '../../spec/watch/lines.ts';
import type { Bare } from './inspection.ts';
import { withoutValues } from './redact.ts';

type Members = Readonly<Record<string, unknown>>;

/**
 * @param withValues whether to tell the values of annotations and environment variables
 * @returns a function that makes the line of a machine's context: all of it the first time, then the members that have
 * changed. A config is told when a container is made and when it changes; null in its place if it is large. A watcher
 * finds that of an older container in its state.json
 */
export function toldRecord(withValues: boolean): (actor: string, context: object) => Bare<RecordLine> {
  const last = new Map<string, Members>();
  return (actor, context) => {
    const { effects: _, restoration: __, ...record } = { ...context } as Members;
    const known = last.get(actor) ?? (record.reached === 'creating' ? {} : { config: record.config });
    last.set(actor, record);
    const changed: Record<string, unknown> = Object.fromEntries(
      Object.entries(record).filter(([name, value]) => known[name] !== value),
    );
    if (changed.config !== undefined && !isSmall(changed.config)) changed.config = null;
    const told = withValues ? changed : withoutValues(changed);
    return { type: 'record', actor, id: String(record.id), record: told };
  };
}

/** To tell a config of this size takes a tenth of a millisecond. Engines write smaller ones. */
const MOST_MEMBERS = 3000;
const MOST_CHARACTERS = 40_000;

/** Whether a config may be told: one with thousands of mounts takes long to write down, and fits no packet. */
function isSmall(config: unknown): boolean {
  let members = 0;
  let characters = 0;
  const waiting = [config];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (typeof value === 'string') characters += value.length;
    if (++members > MOST_MEMBERS || characters > MOST_CHARACTERS) return false;
    if (typeof value !== 'object' || value === null) continue;
    for (const one of Object.values(value)) if (one !== undefined) waiting.push(one);
  }
  return true;
}
