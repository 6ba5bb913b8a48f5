/** Goes through attacks, giving each its share of the time. */

import type { Attack } from './attack.ts';
import { type Ground, openGround } from './ground.ts';
import { randomFrom } from './random.ts';
import type { Yard } from './yard.ts';

export interface Finding {
  readonly seed: number;
  readonly line: string;
}

export interface Result {
  readonly attack: string;
  readonly tries: number;
  readonly seconds: number;
  readonly findings: readonly Finding[];
  readonly skipped: string | false;
}

interface Rounds {
  readonly attacks: readonly Attack[];
  readonly seconds: number;
  /** The first try of each attack has it, the next one the next number. */
  readonly seed: number;
  /** Ends the try that is under way, which then says nothing. */
  readonly stop: AbortSignal;
  heard(attack: Attack, finding: Finding): void;
  done(result: Result): void;
}

export async function goThrough(yard: Yard, rounds: Rounds): Promise<readonly Result[]> {
  const results: Result[] = [];
  const able = rounds.attacks.filter(({ skip }) => skip === false).length;
  for (const attack of rounds.attacks) {
    if (rounds.stop.aborted) break;
    const result = await repeat(yard, rounds, attack, (rounds.seconds * 1000) / able);
    results.push(result);
    rounds.done(result);
  }
  return results;
}

async function repeat(yard: Yard, rounds: Rounds, attack: Attack, milliseconds: number): Promise<Result> {
  const begin = performance.now();
  const findings: Finding[] = [];
  let tries = 0;
  while (attack.skip === false && !rounds.stop.aborted && (tries === 0 || performance.now() - begin < milliseconds)) {
    const seed = (rounds.seed + tries) % 2 ** 31;
    const lines = await attempt(attack, openGround(yard, `${attack.name}-${tries}`), seed, rounds.stop);
    // What an interrupted try says is about the interruption.
    if (rounds.stop.aborted) break;
    tries++;
    for (const line of lines) {
      findings.push({ seed, line });
      rounds.heard(attack, { seed, line });
    }
  }
  const seconds = (performance.now() - begin) / 1000;
  return { attack: attack.name, tries, seconds, findings, skipped: attack.skip };
}

async function attempt(attack: Attack, ground: Ground, seed: number, stop: AbortSignal): Promise<readonly string[]> {
  const abort = () => ground.abort();
  stop.addEventListener('abort', abort);
  const found: string[] = [];
  try {
    found.push(...(await attack.attempt(ground, randomFrom(seed))));
  } catch (error) {
    found.push(`the attack itself failed: ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    stop.removeEventListener('abort', abort);
    found.push(...(await ground.close()));
  }
  return found;
}
