/**
 * The user namespace that an init is cloned into: its mappings are written from outside, then the init becomes root.
 */

import { setgroups, setresgid, setresuid } from '../../../native/calls/process.ts';
import { perform } from '../../../native/kernel/perform.ts';
import type { ContainerRecord } from '../../../spec/record.ts';
import { doing } from '../../error.ts';
import { keepsGroups } from '../../process/groups.ts';
import { connectedInit, type Session } from '../../session.ts';
import { makesNamespace } from '../plan.ts';
import { makesTimeInside, makeTimeNamespaceInside } from '../time.ts';
import { givePipes } from './give-pipes.ts';
import { checkMappings, inUserNamespace, mappingsOf } from './mappings.ts';
import { readMappings } from './read-mappings.ts';
import { writeMappings } from './write-mappings.ts';

/**
 * Comes before everything else that the init does: until then the namespace does not know the init's ids.
 * @throws EffectError
 */
export async function settleUserNamespace(session: Session, record: ContainerRecord): Promise<void> {
  const { config } = record;
  if (!inUserNamespace(config)) return;
  const { kernel, pid } = connectedInit(session);
  const { local } = session.platform;
  if (!makesNamespace(config, 'user')) {
    // The stage became its root when it joined.
    const mappings = readMappings(local, pid);
    checkMappings(config, mappings);
    givePipes(session, mappings);
    return;
  }
  givePipes(session, mappingsOf(config));
  const { mayDropGroups } = await writeMappings(session, record);
  const root = [setresgid(0), setresuid(0)];
  const drops = mayDropGroups && !keepsGroups(config);
  doing('become root in the user namespace', () => perform(kernel, drops ? [setgroups([]), ...root] : root));
  if (makesTimeInside(record)) makeTimeNamespaceInside(kernel, config.linux?.timeOffsets ?? {});
}
