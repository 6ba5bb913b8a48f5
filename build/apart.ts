/**
 * Bundles what a rare command needs apart from everything else. If it shared modules with the other commands, Bun would
 * cut these into more chunks: with `conform`, a `run` would load 46 instead of 41, and take 0.7 ms longer. So such a
 * file has copies of its own of all that it imports, and the bundle sees one file without imports. Runs in Bun.
 */
import { join } from 'node:path';
import { type BunPlugin, bundler, type Loaded } from './bun.ts';

/** Files whose imports are their own. */
const APART = ['conform/command.ts'];

interface How {
  readonly plugins: readonly BunPlugin[];
  readonly define: Readonly<Record<string, string>>;
}

/**
 * Bundles these files. This is done before the bundle that loads them, since a plugin may not call the bundler.
 * @param how they are bundled as the rest is
 */
export async function bundledApart(root: string, { plugins, define }: How): Promise<BunPlugin> {
  const files = new Map<string, Loaded>();
  for (const file of APART) {
    const entry = join(root, file);
    const { outputs } = await bundler().build({
      entrypoints: [entry],
      target: 'bun',
      format: 'esm',
      minify: true,
      plugins,
      define,
    });
    files.set(entry, { contents: (await outputs[0]?.text()) ?? '', loader: 'js' });
  }
  return {
    name: 'apart',
    setup(builder) {
      for (const [path, loaded] of files)
        builder.onLoad({ filter: new RegExp(`^${path.replace(/\W/g, '\\$&')}$`) }, () => loaded);
    },
  };
}
