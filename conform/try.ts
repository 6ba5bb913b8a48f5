import { conform } from './conform.ts';
import { nameOf } from './model/steps.ts';

const [program = '', profile, runs] = process.argv.slice(2);
const r = await conform({
  program,
  parent: '/tmp',
  env: process.env,
  pid: process.pid,
  patience: 5000,
  profile: profile as 'spec',
  runs: Number(runs),
  seed: 1,
  signal: new AbortController().signal,
  progress: (d, a) => process.stderr.write(`\r${d}/${a}`),
});
for (const d of r.deviations)
  console.log(
    `\n${d.rule}: ${d.about}\n  expected ${d.expected}\n  seen ${d.seen}\n  ${d.steps.map(nameOf).join(' ; ')}`,
  );
console.log(r.sequences, r.steps, r.seconds, r.transitions.taken.length, r.transitions.all.length);
