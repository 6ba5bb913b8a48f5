/**
 * containerd's checkpoints, where CRIU works. They have a file of their own, since CRIU works in the test machine
 * rather than elsewhere.
 */

import { describe } from 'node:test';
import { noCriu, provideCriu } from '../integration/criu.ts';
import { checkpoints } from './containerd/checkpoints.ts';
import { noContainerd, playedOnContainerd } from './containerd/played.ts';

describe('containerd’s checkpoints', { skip: noContainerd || noCriu() }, () => {
  provideCriu(playedOnContainerd(checkpoints));
});
