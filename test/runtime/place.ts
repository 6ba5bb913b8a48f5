/** A state root in a temporary directory, on the real kernel. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import type { CommandEffects, OpenOptions } from '../../runtime/container/container.ts';
import type { Patience } from '../../runtime/store/lock.ts';
import { World } from '../machines/world.ts';

export const kernel: Kernel = localKernel(loadLibc());

export const patience: Patience = {
  milliseconds: 2000,
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

export function newRoot(): string {
  const root = mkdtempSync(join(tmpdir(), 'runchart-store-'));
  after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

/** The descriptors of this process, to see that none is left. */
export const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** A command on a container of the world: its effects are in memory, its directory is real. */
export function command(root: string, world = new World(), id = 'c1'): OpenOptions {
  const effects: CommandEffects = world.effects;
  return { kernel, root, id, effects, patience };
}
