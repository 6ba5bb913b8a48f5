/**
 * Makes containers in one process, one after the other, through the library as npm's users get it (`build/library.ts`).
 * bench.ts runs it in a process of its own.
 */

const built = new URL('../dist/library/library/index.js', import.meta.url).href;
const { openRuntime }: typeof import('../library/index.ts') = await import(built);
const [, , root = '', bundle = '', count = '0'] = process.argv;
const runtime = openRuntime({ root });

async function run(id: string): Promise<void> {
  const container = await runtime.create({ id, bundle });
  const end = container.wait();
  await container.start();
  await end;
  await container.delete();
}

// A process that makes containers makes many. After some 200, Node has compiled all that it will compile.
for (let i = 0; i < 200; i++) await run(`warm-${i}`);
const times: number[] = [];
for (let i = 0; i < Number(count); i++) {
  const start = performance.now();
  await run(`bench-${i}`);
  times.push(performance.now() - start);
}
runtime.close();
console.log(JSON.stringify(times));
