/** All attacks, in the order in which they are tried. */

import { cgroupTree } from './cgroup-tree.ts';
import { damagedState } from './damaged-state.ts';
import type { Attack } from './harness/attack.ts';
import { hostileRootfs } from './hostile-rootfs.ts';
import { protocolGarbage } from './protocol-garbage.ts';
import { randomKills } from './random-kills.ts';
import { renameRace } from './rename-race.ts';
import { surroundings } from './surroundings.ts';
import { watcher } from './watcher.ts';

export const ATTACKS: readonly Attack[] = [
  renameRace,
  hostileRootfs,
  randomKills,
  protocolGarbage,
  watcher,
  damagedState,
  cgroupTree,
  surroundings,
];
