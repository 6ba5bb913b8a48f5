/**
 * Collects where the scripts of the engine come from, for the stacks of `--debug`. Bun's linker embeds a map, which
 * leads back to the scripts of the first bundle (bundle.ts); this file leads on from there to the sources. It lies
 * beside the engine, and is read only to show a stack. Runs in Bun.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

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
 * @returns the text of the file: a source map for each script, by its name, without the sources themselves
 */
export function collectSourceMaps(folder: string, root: string): string {
  const maps: Record<string, SourceMap> = {};
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.js.map'))) {
    const file = join(folder, name);
    const { sources, mappings }: SourceMap = JSON.parse(readFileSync(file, 'utf8'));
    const named = sources.map((source) => virtual(source) ?? relative(root, resolve(dirname(file), source)));
    maps[name.slice(0, -'.map'.length)] = { sources: named, mappings };
    rmSync(file);
  }
  return JSON.stringify(maps);
}
