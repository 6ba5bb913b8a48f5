/** The part of Bun's bundler that we use. Bun's own type package would bring the types of everything else along. */

export interface Loaded {
  readonly contents: string;
  readonly loader: 'js' | 'ts';
}

export interface PluginBuilder {
  onResolve(where: { filter: RegExp }, resolve: (file: { path: string }) => { path: string; namespace: string }): void;
  onLoad(
    where: { filter: RegExp; namespace?: string },
    load: (file: { path: string }) => Loaded | Promise<Loaded>,
  ): void;
}

export interface BunPlugin {
  readonly name: string;
  setup(builder: PluginBuilder): void;
}

interface BuildOptions {
  readonly entrypoints: readonly string[];
  /** Without it, the outputs are kept in memory. */
  readonly outdir?: string;
  readonly naming?: string;
  readonly target: 'bun' | 'browser';
  readonly format: 'esm';
  readonly minify?: boolean;
  readonly splitting?: boolean;
  readonly plugins?: readonly BunPlugin[];
  readonly define?: Readonly<Record<string, string>>;
  readonly metafile?: boolean;
  readonly sourcemap?: 'external';
}

interface Built {
  readonly outputs: readonly { readonly path: string; text(): Promise<string> }[];
  /** Where it was asked for: how many bytes of each source an output holds. */
  readonly metafile?: {
    readonly outputs: Readonly<
      Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>
    >;
  };
}

interface Bun {
  readonly version: string;
  build(options: BuildOptions): Promise<Built>;
}

/** @throws unless the program runs in Bun */
export function bundler(): Bun {
  const found: unknown = Reflect.get(globalThis, 'Bun');
  if (!isBun(found)) throw new Error('linking needs Bun: npm run build');
  return found;
}

function isBun(value: unknown): value is Bun {
  return typeof value === 'object' && value !== null && 'build' in value && 'version' in value;
}

/** @returns the paths of the sources that the outputs hold code of */
export const heldSources = ({ metafile }: Built): readonly string[] =>
  Object.values(metafile?.outputs ?? {})
    .flatMap(({ inputs }) => Object.entries(inputs))
    .flatMap(([source, { bytesInOutput }]) => (bytesInOutput > 0 ? [source] : []));
