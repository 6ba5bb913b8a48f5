/** Every effect as the chart invokes it: what it is given besides the record, and what it answers. */

import type { Restoration } from '../effects/criu/restoration.ts';
import type { CgroupRecord, Facts, HookKind, InitRecord } from '../spec/record.ts';
import type { Config } from '../spec/types.ts';
import type { CheckpointRequest, KillRequest, LifecycleContext, UpdateRequest } from './contract.ts';

type Effect<Extra, Result = void> = { input: { record: LifecycleContext } & Extra; result: Result };

export interface EffectTypes {
  makeCgroup: Effect<unknown, CgroupRecord>;
  enterNamespaces: Effect<unknown, InitRecord>;
  makeMounts: Effect<unknown>;
  runHooks: Effect<{ kind: HookKind }>;
  enterRootfs: Effect<unknown>;
  prepareProcess: Effect<unknown>;
  startProcess: Effect<unknown>;
  signal: Effect<{ request: KillRequest }>;
  freeze: Effect<unknown>;
  thaw: Effect<unknown>;
  update: Effect<{ request: UpdateRequest }, Config>;
  checkpoint: Effect<{ request: CheckpointRequest }>;
  restore: Effect<{ restoration: Restoration }, InitRecord>;
  observe: Effect<unknown, Facts>;
  destroyInit: Effect<unknown>;
  removeCgroup: Effect<unknown>;
  removeState: Effect<unknown>;
}
