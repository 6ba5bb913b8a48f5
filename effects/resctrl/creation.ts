/** Makes a resctrl group while a container is made, and removes it if the creation fails or the container ends. */

import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import type { ContainerRecord, ResctrlRecord } from '../../spec/record.ts';
import { addToGroup, makeGroup, removeGroup, TakenGroupError } from './group.ts';

/** The group while its container is being made. */
export interface GroupCreation {
  /** Makes the group, with its limits. @throws EffectError */
  make(): void;
  /** Puts the container's init into it. @param pid as this process sees it. @throws EffectError */
  add(pid: Pid): void;
  /**
   * `taken`: somebody else has made the group meanwhile, and it stays. `made`: this creation has made it, and removes
   * it if the creation fails, even a group that would outlive the container.
   */
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

/**
 * Removes the group, if it is to be removed.
 * @param creation the creation that failed, if one did
 * @throws EffectError
 */
export function endGroup(local: Kernel, record: ResctrlRecord, creation: GroupCreation | undefined): void {
  if (creation?.state === 'taken') return;
  removeGroup(local, creation?.state === 'made' ? { ...record, owned: true } : record);
}
