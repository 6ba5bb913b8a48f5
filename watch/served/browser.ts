/** Opens the page in the user's browser (`--open`). */

import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Every user sees the arguments of a program, and the link has the token in it. So the browser is given a file of ours,
 * which leads to the link.
 * @param environment of the caller, which names the display
 * @returns what removes the file
 */
export function openBrowser(
  link: string,
  environment: readonly (string | Uint8Array)[],
  warn: (message: string) => void,
): Disposable {
  const env = Object.fromEntries(environment.flatMap((one) => (typeof one === 'string' ? [partsOf(one)] : [])));
  const program = found('xdg-open', env.PATH ?? '');
  if (program === undefined) {
    warn('--open: there is no xdg-open in $PATH: open the link by hand');
    return { [Symbol.dispose]: () => undefined };
  }
  const folder = mkdtempSync(join(tmpdir(), 'runchart-watch-'));
  const file = join(folder, 'open.html');
  writeFileSync(file, leadingTo(link), { mode: 0o600 });
  const child = spawn(program, [file], { env, stdio: 'ignore', detached: true });
  child.on('error', (error) => warn(`--open: ${error.message}: open the link by hand`));
  child.unref();
  return { [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

const leadingTo = (link: string): string =>
  '<!doctype html><meta charset="utf-8"><title>runchart watch</title>' +
  `<meta http-equiv="refresh" content="0;url=${link}">\n`;

const partsOf = (variable: string): [string, string] => {
  const equals = variable.indexOf('=');
  return [variable.slice(0, equals), variable.slice(equals + 1)];
};

function found(name: string, path: string): string | undefined {
  return path
    .split(':')
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
