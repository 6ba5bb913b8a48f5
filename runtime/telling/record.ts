/** What is told of a container's record, which is the context of its machine. */

import type { Bare } from './inspection.ts';
import { withoutValues } from './redact.ts';

type Members = Readonly<Record<string, unknown>>;

/**
 * @param withValues whether to tell the values of annotations and environment variables
 * @returns a function that makes the line of a machine's context: all of it the first time, then the members that have
 * changed. A config is told when a container is made and when it changes. A watcher finds that of an older container in
 * its state.json
 */
export function toldRecord(withValues: boolean): (actor: string, context: object) => Bare {
  const last = new Map<string, Members>();
  return (actor, context) => {
    const { effects: _, restoration: __, ...record } = { ...context } as Members;
    const known = last.get(actor) ?? (record.reached === 'creating' ? {} : { config: record.config });
    last.set(actor, record);
    const changed = Object.fromEntries(Object.entries(record).filter(([name, value]) => known[name] !== value));
    const told = withValues ? changed : withoutValues(changed);
    return { type: 'record', actor, id: String(record.id), record: told };
  };
}
