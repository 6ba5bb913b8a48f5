/** All that is told. */

import { ends } from './ends.ts';
import { isolation } from './isolation.ts';
import { life } from './life.ts';
import { limits } from './limits.ts';
import { manyProbes, probes } from './probes.ts';
import { stats } from './stats.ts';
import type { Story } from './story.ts';
import { talks } from './talks.ts';
import { users } from './users.ts';

export const stories: readonly Story[] = [
  ...life,
  ...ends,
  ...probes,
  manyProbes,
  ...limits,
  ...stats,
  ...isolation,
  ...talks,
  ...users,
];
