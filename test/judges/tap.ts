/** Reads what a judge's test file prints: the Test Anything Protocol, as bats and others write it. */

export type Outcome = 'passed' | 'failed' | 'skipped';

export interface Told {
  readonly title: string;
  readonly outcome: Outcome;
  /** The lines of diagnosis that follow it, without their `# `. */
  readonly diagnosis: readonly string[];
}

const RESULT = /^(not )?ok\b *\d* *(?:- )?(.*)$/;
const SKIPPED = /\s*#\s*skip\b.*$/i;
/** crun's tests add how long each took, and bats does with an option. */
const TAKEN = /\s+(?:# [\d.]+s|in [\d.]+ ?m?s(?:ec)?)$/;

/**
 * @param printed the standard output and standard error of one test file
 * @returns its tests in order. A title that comes again gets a number. A file that promised more tests than it told of,
 *   or that failed without telling of a failure, has one failed test more.
 */
export function readTap(printed: string, status: number | null): Told[] {
  const told: { title: string; outcome: Outcome; diagnosis: string[] }[] = [];
  const times = new Map<string, number>();
  let promised: number | undefined;
  for (const line of printed.split('\n')) {
    const plan = /^1\.\.(\d+)/.exec(line);
    if (plan) promised = Number(plan[1]);
    const result = RESULT.exec(line);
    if (!result) {
      if (line.startsWith('#') || line.startsWith(' ')) told.at(-1)?.diagnosis.push(line.replace(/^# ?/, ''));
      continue;
    }
    const text = (result[2] ?? '').replace(TAKEN, '');
    const skipped = SKIPPED.test(text);
    const name = text.replace(SKIPPED, '').replace(TAKEN, '').trim();
    const count = (times.get(name) ?? 0) + 1;
    times.set(name, count);
    const title = count === 1 ? name : `${name} (${count})`;
    told.push({ title, outcome: result[1] ? 'failed' : skipped ? 'skipped' : 'passed', diagnosis: [] });
  }
  const missing = (promised ?? 0) - told.length;
  if (missing > 0 || (status !== 0 && !told.some(({ outcome }) => outcome === 'failed')))
    told.push({ title: '(the file itself)', outcome: 'failed', diagnosis: printed.trimEnd().split('\n').slice(-12) });
  return told;
}
