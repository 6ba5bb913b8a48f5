/** containerd's checkpoints, where CRIU works: apart from the rest, since that is in the test machine more than elsewhere. */

import { describe } from 'node:test';
import { noCriu, provideCriu } from '../integration/criu.ts';
import { checkpoints } from './containerd/checkpoints.ts';
import { noContainerd, playedOnContainerd } from './containerd/played.ts';

describe('containerd’s checkpoints', { skip: noContainerd || noCriu() }, () => {
  provideCriu(playedOnContainerd(checkpoints));
});
