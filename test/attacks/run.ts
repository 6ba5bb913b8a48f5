/**
 * Attacks runchart for a while, and says what was found: `npm run attack -- SECONDS [NAME…] [--seed N]`.
 *
 * Each attack gets its share of the time, and is tried again and again, with the next seed each time. A finding is
 * shown with what repeats it. The exit status is 1 when there was any, 130 when it was interrupted.
 */
import { parseArgs } from 'node:util';
import { ATTACKS } from './attacks.ts';
import { goThrough, type Result } from './harness/rounds.ts';
import { openYard } from './harness/yard.ts';

process.exitCode = await run(process.argv.slice(2));

async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: { seed: { type: 'string' } },
    allowPositionals: true,
  });
  const [seconds, ...names] = positionals;
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const attacks = ATTACKS.filter(({ name }) => names.length === 0 || names.includes(name));
  const unknown = names.filter((name) => !ATTACKS.some((attack) => attack.name === name));
  if (!(Number(seconds) > 0) || !Number.isInteger(seed) || unknown.length > 0) {
    for (const name of unknown) console.error(`there is no attack ${name}`);
    console.error(
      `usage: npm run attack -- SECONDS [NAME…] [--seed N]\nattacks: ${ATTACKS.map(({ name }) => name).join(' ')}`,
    );
    return 2;
  }
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interruption.abort());
  // Nobody reads on: `npm run attack -- 60 | head`. What was begun is to be cleaned up still.
  process.stdout.on('error', () => interruption.abort());
  console.log(`seed ${seed}`);
  const yard = openYard();
  try {
    const results = await goThrough(yard, {
      attacks,
      seconds: Number(seconds),
      seed,
      stop: interruption.signal,
      heard: ({ name }, finding) =>
        console.log(`FOUND by ${name}: ${finding.line}\n  again: npm run attack -- 1 ${name} --seed ${finding.seed}`),
      done: ({ attack, tries, seconds, findings, skipped }) =>
        console.log(
          skipped === false
            ? `${attack}: ${tries} tries in ${seconds.toFixed(0)} s, ${findings.length} findings`
            : `${attack}: not tried: ${skipped}`,
        ),
    });
    console.log(table(results));
    if (interruption.signal.aborted) return 130;
    return results.some(({ findings }) => findings.length > 0) ? 1 : 0;
  } finally {
    yard.close();
  }
}

function table(results: readonly Result[]): string {
  const rows = results.map(({ attack, tries, findings, skipped }) => [
    attack,
    skipped === false ? `${tries}` : 'not tried',
    `${findings.length}`,
  ]);
  const all = [['attack', 'tries', 'findings'], ...rows];
  const widths = [0, 1, 2].map((i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  return [
    '',
    ...all.map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
  ].join('\n');
}
