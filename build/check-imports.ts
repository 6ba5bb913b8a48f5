/**
 * Checks the import rules. The floors of docs/architecture.md import downwards only. What a command finds around it is
 * handed in, so no floor below runtime/ reads it from Node's modules. No files import each other in a circle, unless by
 * `import()`. Biome's own rules cannot tell an import of types from one of values. `npm run lint`.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

interface Floor {
  readonly imports: readonly string[];
  /** Floors of which it may name types, but nothing that exists at run time. */
  readonly types?: readonly string[];
  /** npm packages and modules of Node. A name that ends in / or : stands for all that begin so. */
  readonly packages: readonly string[];
}

const FLOORS: Readonly<Record<string, Floor>> = {
  commands: { imports: ['conform', 'watch', 'runtime', 'spec'], packages: ['@oclif/core/', 'node:'] },
  conform: {
    imports: ['runtime', 'machines', 'native', 'spec'],
    packages: ['xstate', 'xstate/graph', 'fast-check', 'node:'],
  },
  page: { imports: [], types: ['spec'], packages: ['elkjs/'] },
  watch: { imports: ['runtime', 'machines', 'effects', 'native', 'spec'], packages: ['ws', 'node:'] },
  library: { imports: ['runtime', 'machines', 'effects', 'native', 'spec'], packages: ['node:'] },
  runtime: { imports: ['machines', 'effects', 'native', 'spec'], packages: ['xstate', 'node:'] },
  machines: { imports: ['spec'], types: ['effects'], packages: ['xstate'] },
  effects: { imports: ['native', 'spec'], packages: ['node:path'] },
  native: { imports: [], packages: ['node:', 'koffi', 'pbf'] },
  spec: { imports: [], packages: ['zod'] },
};

/** `import … from`, `export … from`, `import '…'` and `import('…')`. The first group is what stands between. */
const IMPORT = /^(?:import|export)\s(?:([^;'"=]+)\sfrom\s)?'([^']+)'|\bimport\('([^']+)'\)/gm;

export interface Import {
  readonly what: string;
  readonly from: string;
  /** Whether it is an `import()`, which loads nothing before it is called. */
  readonly later: boolean;
}

/**
 * @param file its path from the root of the repository
 * @returns what is wrong with its imports, one line each
 */
export function violations(file: string, source: string): string[] {
  const [name = ''] = file.split('/');
  const floor = FLOORS[name];
  if (floor === undefined) return [];
  return importsOf(source).flatMap(({ what, from }) => {
    const reason = from.startsWith('.') ? refuseFile(file, name, floor, what, from) : refusePackage(name, floor, from);
    return reason === undefined ? [] : [`${file}: import of ${from}: ${reason}`];
  });
}

export function importsOf(source: string): Import[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return [...code.matchAll(IMPORT)].map(([, what = '', from, dynamic]) => ({
    what,
    from: from ?? dynamic ?? '',
    later: dynamic !== undefined,
  }));
}

function refuseFile(file: string, name: string, floor: Floor, what: string, from: string): string | undefined {
  const [target = ''] = normalize(join(dirname(file), from)).split('/');
  if (target === name || target === 'package.json' || floor.imports.includes(target)) return undefined;
  if (floor.types?.includes(target)) {
    return onlyTypes(what) ? undefined : `${name}/ may import only types of ${target}/`;
  }
  return `${name}/ may import ${floor.imports.length === 0 ? 'no other floor' : floor.imports.join(', ')}`;
}

function refusePackage(name: string, { packages }: Floor, from: string): string | undefined {
  const allowed = packages.some((known) => from === known || (/[/:]$/.test(known) && from.startsWith(known)));
  return allowed ? undefined : `${name}/ may import of packages ${packages.join(', ')}`;
}

/** `import type { A }`, `import { type A, type B }` */
export function onlyTypes(what: string): boolean {
  if (/^\s*type\b/.test(what)) return true;
  const names = /^\s*\{([^}]*)\}/.exec(what)?.[1]?.split(',') ?? [''];
  return names.filter((part) => part.trim() !== '').every((part) => /^\s*type\s/.test(part)) && what.includes('{');
}

/**
 * @param sources the content of each file, by its path from the root of the repository
 * @returns a line for each circle of files that import each other, even if only for types: `a.ts -> b.ts -> a.ts`
 */
export function circles(sources: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const follow = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file].join(' -> '));
    const source = sources.get(file);
    if (start >= 0 || source === undefined || done.has(file)) return;
    path.push(file);
    for (const { from, later } of importsOf(source))
      if (!later && from.startsWith('.')) follow(normalize(join(dirname(file), from)));
    path.pop();
    done.add(file);
  };
  for (const file of sources.keys()) follow(file);
  return found;
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const files = globSync(`{${Object.keys(FLOORS).join(',')}}/**/*.ts`, { cwd: root }).toSorted();
  const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
  const found = [
    ...files.flatMap((file) => violations(file, sources.get(file) ?? '')),
    ...circles(sources).map((circle) => `import circle: ${circle}`),
  ];
  for (const line of found) console.error(line);
  if (found.length > 0) process.exit(1);
}
