/**
 * Bundles what a rare command needs apart from everything else. If it shared modules with the other commands, Bun would
 * cut these into more chunks: with the files below, a `run` would load ten more, and take 0.8 ms longer. So such a file
 * has copies of its own of all that it imports, and the bundle sees one file without imports. An error of such a copy
 * is no instance of a class of the bundle: what is apart deals with its own errors, or leaves their words alone. Runs
 * in Bun.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BunPlugin, bundler, heldSources, type Loaded } from './bun.ts';

/** Files whose imports are their own. */
const APART = [
  'commands/explain.ts',
  'commands/finish.ts',
  'commands/resident.ts',
  'commands/serve.ts',
  'commands/watch.ts',
  'conform/command.ts',
];

interface How {
  readonly plugins: readonly BunPlugin[];
  readonly define: Readonly<Record<string, string>>;
}

interface Apart {
  /** Gives the bundle that loads them these files. */
  readonly plugin: BunPlugin;
  /** The paths of the sources that they hold code of. */
  readonly sources: readonly string[];
}

/**
 * Bundles these files. This is done before the bundle that loads them, since a plugin may not call the bundler.
 * @param folder gets a source map of each, by the path of the file and `.map`
 * @param how they are bundled as the rest is
 */
export async function bundledApart(root: string, folder: string, { plugins, define }: How): Promise<Apart> {
  const files = new Map<string, Loaded>();
  const sources: string[] = [];
  for (const file of APART) {
    const entry = join(root, file);
    const built = await bundler().build({
      entrypoints: [entry],
      outdir: folder,
      naming: file,
      target: 'bun',
      format: 'esm',
      minify: true,
      metafile: true,
      sourcemap: 'external',
      plugins,
      define,
    });
    sources.push(...heldSources(built));
    files.set(entry, { contents: readFileSync(join(folder, file), 'utf8'), loader: 'js' });
    rmSync(join(folder, file));
  }
  const plugin: BunPlugin = {
    name: 'apart',
    setup(builder) {
      for (const [path, loaded] of files)
        builder.onLoad({ filter: new RegExp(`^${path.replace(/\W/g, '\\$&')}$`) }, () => loaded);
    },
  };
  return { plugin, sources };
}
