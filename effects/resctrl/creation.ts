/** A resctrl group from the beginning of a creation to its end, or to that of the container. */

import type { Kernel } from '../../native/kernel/kernel.ts';
import type { ContainerRecord, ResctrlRecord } from '../../spec/record.ts';
import { addToGroup, makeGroup, removeGroup, TakenGroupError } from './group.ts';

/** While there is no container yet. */
export interface GroupCreation {
  /** @throws EffectError */
  make(): void;
  /** @throws EffectError */
  add(pid: number): void;
  /** Somebody else's, or one that this creation has made and that an unfinished one takes away, whose ever it is to be. */
  readonly state: 'planned' | 'taken' | 'made';
}

export function beginGroup(local: Kernel, { resctrl, config }: ContainerRecord): GroupCreation {
  let state: GroupCreation['state'] = 'planned';
  if (resctrl === undefined) throw new Error('no resctrl group was planned');
  return {
    make() {
      try {
        if (resctrl.made) state = 'made';
        makeGroup(local, resctrl, config.linux?.intelRdt ?? {});
      } catch (error) {
        if (error instanceof TakenGroupError) state = 'taken';
        throw error;
      }
    },
    add: (pid) => addToGroup(local, resctrl, pid),
    get state() {
      return state;
    },
  };
}

/** @param creation that did not come to its end, if there is one. @throws EffectError */
export function endGroup(local: Kernel, record: ResctrlRecord, creation: GroupCreation | undefined): void {
  if (creation?.state === 'taken') return;
  removeGroup(local, creation?.state === 'made' ? { ...record, owned: true } : record);
}
