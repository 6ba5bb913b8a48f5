/**
 * Collects where the scripts of the engine come from, for the stacks of `--debug`. Bun's linker embeds a map, which
 * leads back to the scripts of the first bundle (bundle.ts); this file leads on from there to the sources. It lies
 * beside the engine, and is read only to show a stack. Runs in Bun.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { APART_MAPS } from './bundle.ts';

/** The members that we use of a source map, version 3 (ECMA-426). */
interface SourceMap {
  readonly sources: readonly string[];
  readonly mappings: string;
}

/** The name of a module that a plugin has made up: `lazy-builtin:node:tty`. No folder is part of it. */
const virtual = (source: string): string | undefined => /(?:^|\/)([\w-]+:.+)$/.exec(source)?.[1];

/**
 * @param folder with the scripts and their maps, which are removed: the linker would write its own beside them
 * @param root the repository, which the sources are named from
 * @returns the text of the file: a source map for each script, by its name, and for each source that is itself made of
 * others (apart.ts), by its path; without the sources themselves
 */
export function collectSourceMaps(folder: string, root: string): string {
  const maps: Record<string, SourceMap> = {};
  const apart = join(folder, APART_MAPS);
  for (const [base, named] of [
    [folder, readdirSync(folder)],
    [apart, readdirSync(apart, { recursive: true, encoding: 'utf8' })],
  ] as const)
    for (const name of named.filter((one) => one.endsWith('.map'))) {
      const { sources, mappings }: SourceMap = JSON.parse(readFileSync(join(base, name), 'utf8'));
      // The bundler names sources from the folder of all its outputs.
      const paths = sources.map((source) => virtual(source) ?? relative(root, resolve(base, source)));
      maps[name.slice(0, -'.map'.length)] = { sources: paths, mappings };
      rmSync(join(base, name));
    }
  rmSync(apart, { recursive: true });
  return JSON.stringify(maps);
}
