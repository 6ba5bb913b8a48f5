/**
 * Makes oclif load its modules when a command first uses them.
 *
 * The files of @oclif/core are CommonJS as TypeScript emits them. Each begins by requiring all that it may ever need,
 * so parsing one flag loads help, plugins and settings (7 ms). Here each such line becomes a function that requires the
 * module on first use, and each use of its name becomes a call of that function (1 ms). Babel's CommonJS plugin has
 * long had the same transform as its option `lazy`.
 */
import { readFile } from 'node:fs/promises';
import type { BunPlugin } from './bun.ts';

const IMPORT =
  /^(?:const|var) ([A-Za-z_$][\w$]*) = ((?:__importDefault\(|__importStar\()?require\(["'][^"']+["']\)\)?);$/gm;

/** In a string, in a comment or after a dot, the name does not mean the variable. */
const STRING_OR_COMMENT = String.raw`"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\/\*[\s\S]*?\*\/|^\s*\/\/.*$`;

/** @param source a CommonJS file that TypeScript emitted */
export function makeLazy(source: string): string {
  const names: string[] = [];
  const declared = source.replace(IMPORT, (_line, name: string, required: string) => {
    names.push(name);
    return `let $lazy_${name}; const $get_${name} = () => ($lazy_${name} ??= ${required});`;
  });
  return names.reduce(callInstead, declared);
}

function callInstead(source: string, name: string): string {
  const escaped = name.replaceAll('$', String.raw`\$`);
  // `new x_1.Y(` would construct what the call returns; brackets make it construct Y.
  const use = new RegExp(
    String.raw`(${STRING_OR_COMMENT})|\bnew ${escaped}((?:\.\w+)*)\(|(?<![\w$.])${escaped}(?![\w$]|\s*:)`,
    'gm',
  );
  return source.replace(use, (_use, skipped: string | undefined, members: string | undefined) => {
    if (skipped !== undefined) return skipped;
    return members === undefined ? `$get_${name}()` : `new ($get_${name}()${members})(`;
  });
}

/** command.js listens for EPIPE on Node's stream for standard output. Making that stream costs 7 ms. */
const STDOUT_LISTENER = /^process\.stdout\.on\('error', \(err\) => \{[\s\S]*?^\}\);$/m;

/** @throws if command.js no longer looks as we know it; then this transform must be revised for the new oclif */
export function withoutStdoutListener(source: string): string {
  if (!STDOUT_LISTENER.test(source)) throw new Error('@oclif/core/lib/command.js: no listener on process.stdout found');
  return source.replace(STDOUT_LISTENER, '');
}

/**
 * `debug` reads the environment and writes to standard error, which engines read. This one prints nothing, whatever
 * DEBUG is.
 */
const QUIET_DEBUG = `
const quiet = () => Object.assign(() => {}, { enabled: false, extend: quiet, destroy() {} });
module.exports = quiet;
`;

/**
 * oclif only asks whether this is Linux on Windows. The packages behind it are ES modules, whose imports would be made
 * at start-up.
 */
const NO_WSL = 'module.exports = { isWsl: false };';

/** The members that command.js reads of its package.json. The whole manifest as an object costs 0.1 ms. */
function nameAndVersion(manifest: string): string {
  const { name, version } = JSON.parse(manifest);
  return `module.exports = ${JSON.stringify({ name, version })};`;
}

export const lazyOclif: BunPlugin = {
  name: 'lazy-oclif',
  setup(builder) {
    builder.onLoad({ filter: /[/\\]@oclif[/\\]core[/\\]lib[/\\].*\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const contents = makeLazy(path.endsWith('/core/lib/command.js') ? withoutStdoutListener(source) : source);
      return { contents, loader: 'js' };
    });
    builder.onLoad({ filter: /[/\\]@oclif[/\\]core[/\\]package\.json$/ }, async ({ path }) => ({
      contents: nameAndVersion(await readFile(path, 'utf8')),
      loader: 'js',
    }));
    builder.onLoad({ filter: /[/\\]node_modules[/\\]debug[/\\]src[/\\]index\.js$/ }, () => ({
      contents: QUIET_DEBUG,
      loader: 'js',
    }));
    builder.onLoad({ filter: /[/\\]node_modules[/\\]wsl-utils[/\\]index\.js$/ }, () => ({
      contents: NO_WSL,
      loader: 'js',
    }));
  },
};
