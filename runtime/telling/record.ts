/** What is told of a container's record, which is the context of its machine. */

import type { Bare } from './inspection.ts';
import { withoutValues } from './redact.ts';

type Members = Readonly<Record<string, unknown>>;

/**
 * @param withValues whether to tell the values of annotations and environment variables
 * @returns a function that makes the line of a machine's context. A config is told when a container is made and when it
 * changes. A watcher finds that of an older container in its state.json
 */
export function toldRecord(withValues: boolean): (actor: string, context: object) => Bare {
  const configs = new Map<string, unknown>();
  return (actor, context) => {
    const { effects: _, restoration: __, config, ...record } = { ...context } as Members;
    const known = configs.get(actor);
    const isNew = known === undefined ? record.reached === 'creating' : known !== config;
    configs.set(actor, config);
    const told: Members = isNew ? { ...record, config } : record;
    return { type: 'record', actor, id: String(record.id), record: withValues ? told : withoutValues(told) };
  };
}
