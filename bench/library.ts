/**
 * Makes containers and processes in one process, through the library as npm's users get it (`build/library.ts`).
 * bench.ts runs it in a process of its own: `library.ts WHAT ROOT BUNDLE COUNT` prints the times in milliseconds as
 * JSON; for `stalls` it prints the longest stalls of the event loop.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';

const built = new URL('../dist/library/library/index.js', import.meta.url).href;
const { openRuntime }: typeof import('../library/index.ts') = await import(built);
const [, , what = '', root = '', bundle = '', count = '0'] = process.argv;
const runtime = openRuntime({ root });

async function life(id: string): Promise<void> {
  const container = await runtime.create({ id, bundle });
  const end = container.wait();
  await container.start();
  await end;
  await container.delete();
}

async function captured(id: string): Promise<void> {
  const { status, stdout } = await runtime.run({ id, bundle, args: ['echo', 'hello'] });
  if (status !== 0 || stdout !== 'hello\n') throw new Error(`run: ${status} ${stdout}`);
}

/** A process that makes containers makes many. After some 200, Node has compiled all that it will compile. */
async function timed(once: (id: string) => Promise<void>): Promise<readonly number[]> {
  for (let i = 0; i < 200; i++) await once(`library-${process.pid}-warm-${i}`);
  const times: number[] = [];
  for (let i = 0; i < Number(count); i++) {
    const start = performance.now();
    await once(`library-${process.pid}-${i}`);
    times.push(performance.now() - start);
  }
  return times;
}

async function execs(): Promise<readonly number[]> {
  await using container = await runtime.create({ id: `library-${process.pid}-kept`, bundle, args: ['sleep', '10000'] });
  await container.start();
  // Awaited here: the container is deleted when this returns.
  return await timed(async () => {
    const { status, stdout } = await container.exec({ args: ['echo', 'hello'] });
    if (status !== 0 || stdout !== 'hello\n') throw new Error(`exec: ${status} ${stdout}`);
  });
}

/** @returns for how long the event loop stood still at most while many containers are made and run at once */
async function stalls(): Promise<readonly number[]> {
  for (let i = 0; i < 50; i++) await captured(`library-${process.pid}-warm-${i}`);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await Promise.all(Array.from({ length: Number(count) }, (_, i) => captured(`library-${process.pid}-${i}`)));
  delay.disable();
  return [50, 99, 100].map((percentile) => delay.percentile(percentile) / 1e6);
}

const MEASURES = { life: () => timed(life), captured: () => timed(captured), exec: execs, stalls };
const measure = Object.entries(MEASURES).find(([name]) => name === what)?.[1];
if (measure === undefined) throw new Error(`bench/library.ts: ${what} is nothing to measure`);
console.log(JSON.stringify(await measure()));
runtime.close();
