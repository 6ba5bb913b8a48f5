/** A stage with an owner: it is ended where the block ends that declares it. */

import { close } from '../calls/files.ts';
import { reapChild } from '../calls/reap.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { attempt } from '../kernel/perform.ts';
import type { Stage } from './stage.ts';

/**
 * ```ts
 * using owned = new OwnedStage(local, platform.spawnStage(descriptors, 'stage'));
 * perform(owned.stage.kernel, [setns(0, CLONE.NEWNET)]);
 * ```
 */
export class OwnedStage {
  readonly stage: Stage;
  readonly #parent: Kernel;

  /** @param parent whose child the stage is */
  constructor(parent: Kernel, stage: Stage) {
    this.#parent = parent;
    this.stage = stage;
  }

  [Symbol.dispose](): void {
    attempt(this.#parent, close(this.stage.connection));
    reapChild(this.#parent, this.stage.pid);
  }
}
