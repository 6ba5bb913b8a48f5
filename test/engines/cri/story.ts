/**
 * Stories: what a kubelet does and sees. Each is written once and played with both handlers; what they see must be the
 * same.
 */

import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { plain } from '../scenario.ts';
import type { Cri } from './client.ts';
import type { CriNode } from './engine.ts';
import { type Kubelet, kubelet } from './kubelet.ts';

export interface Story {
  readonly title: string;
  /** @returns what the kubelet sees, as JSON */
  play(kubelet: Kubelet): Promise<unknown>;
  /** All that it sees, made plain. If it is left out, only the two handlers are compared. */
  readonly expected?: unknown;
  /** Whether it belongs to `npm test`. All belong to `npm run test:cri`. */
  readonly short?: boolean;
  /** @returns why it cannot be played on this node; false if it can */
  skip?(cri: Cri): Promise<string | false>;
}

export const OURS = 'runchart';
export const PEER = 'runc';

/** @param handlers which the node knows */
export function tellAll(stories: readonly Story[], node: () => CriNode, handlers: readonly string[]): void {
  for (const story of stories)
    it(story.title, async (t) => {
      const reason = await story.skip?.(node().cri);
      if (reason) return t.skip(reason);
      const ends = await Promise.allSettled(handlers.map((handler) => told(story, node(), handler)));
      const [own, peer] = ends.map((end, index) => {
        if (end.status === 'fulfilled') return end.value;
        if (index === 0 || story.expected === undefined) throw end.reason;
        // An old runc may not know of something. What is expected of ours is told by the story.
        return String(end.reason);
      });
      compare(t, story, own, peer);
    });
}

async function told(story: Story, node: CriNode, handler: string): Promise<unknown> {
  const one = kubelet(node, handler);
  mkdirSync(one.folder, { recursive: true });
  try {
    return same(await story.play(one), one);
  } finally {
    await one.removeAll();
    rmSync(one.folder, { recursive: true });
  }
}

export function compare(t: TestContext, { expected }: Pick<Story, 'expected'>, own: unknown, peer: unknown): void {
  if (expected !== undefined && !isEqual(own, expected)) t.diagnostic(`runc’s: ${JSON.stringify(peer)}`);
  if (expected !== undefined) assert.deepEqual(own, expected);
  else if (peer === undefined) t.diagnostic('there is no runc to compare with');
  if (peer === undefined) return;
  // If runc itself does not do what is expected, ours need not look like it.
  if (expected === undefined || isEqual(peer, expected)) assert.deepEqual(own, peer);
  else t.diagnostic(`runc does worse: ${JSON.stringify(peer)}`);
}

function isEqual(one: unknown, other: unknown): boolean {
  try {
    assert.deepEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

/** Without what differs between two runs of any runtime. */
export function same(seen: unknown, { folder, cgroup, node, handler }: Kubelet): unknown {
  const text = JSON.stringify(seen)
    .replaceAll(folder, 'FOLDER')
    .replaceAll(join(node.folder, `${handler}.state`), 'ROOT')
    // Where the runtime's program is.
    .replace(/\/[\w./-]*\/runc(hart)?(?= did not terminate)/g, 'RUNTIME')
    .replaceAll(node.folder, 'NODE')
    .replaceAll(cgroup, 'CGROUP')
    .replace(/\b10\.88\.\d+\.\d+\b/g, 'IP')
    .replace(/\bcontainerd-mount\d+/g, 'MOUNT')
    // Nanoseconds since 1970.
    .replace(/\b1[5-9]\d{17}\b/g, 'NANOSECONDS');
  return JSON.parse(plain(text));
}
