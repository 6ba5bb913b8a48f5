/**
 * Writes the manual pages to `dist/man/man8`, as a script and as a part of `npm run build`. `man -l
 * dist/man/man8/runchart.8` shows one. Their date is the day of the build, or the time in SOURCE_DATE_EPOCH (in
 * seconds), which packagers set.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { globals } from '../commands/globals.ts';
import { manualPages } from '../commands/manual/pages.ts';
import { COMMANDS } from '../commands/table.ts';
import manifest from '../package.json' with { type: 'json' };

/** @param folder is made anew, and holds nothing but the pages */
export async function writeManual(folder: string, date: Date): Promise<void> {
  const commands = await Promise.all([...COMMANDS.values()].map(async (load) => (await load()).default));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of manualPages({ commands, globals, date, version: manifest.version }))
    writeFileSync(join(folder, name), text);
}

export const buildDate = ({ SOURCE_DATE_EPOCH: seconds }: NodeJS.ProcessEnv): Date =>
  seconds === undefined || seconds === '' ? new Date() : new Date(Number(seconds) * 1000);

if (import.meta.main) await writeManual(join(import.meta.dirname, '../dist/man/man8'), buildDate(process.env));
