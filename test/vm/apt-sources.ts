/** Finds where this machine gets its Debian packages from, so that another one can be made of the same. */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Sources {
  /** The name of the release: `bookworm`. */
  readonly codename: string;
  /** Files of apt, in either format. */
  readonly files: readonly string[];
}

/**
 * @param etc the path of /etc
 * @returns the sources of the release itself. Sources that were added may need keys, or be out of reach.
 */
export function debianSources(etc: string): Sources {
  const release = readFileSync(join(etc, 'os-release'), 'utf8');
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1] ?? '';
  const folder = join(etc, 'apt/sources.list.d');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /\.(list|sources)$/.test(name)) : [];
  const candidates = [join(etc, 'apt/sources.list'), ...names.map((name) => join(folder, name))];
  const mine = new RegExp(`^(deb\\s.*|Suites:.*)\\s${codename}(-\\w+)?(\\s|$)`, 'm');
  return {
    codename,
    files: candidates.filter((path) => existsSync(path) && mine.test(readFileSync(path, 'utf8'))),
  };
}

/** What mmdebstrap needs for a release. */
interface Bootstrap {
  readonly suite: string;
  readonly options: readonly string[];
  /** Files of apt: its last arguments. */
  readonly lists: readonly string[];
}

/** @returns what makes another machine of this one's release */
export function ownSources(): Bootstrap {
  const { codename, files } = debianSources('/etc');
  return { suite: codename, options: ownOptions(), lists: files };
}

/**
 * Writes what makes a machine of another release, from the sources of this one.
 * @param folder where the list is written
 */
export function sourcesFor(suite: string, folder: string): Bootstrap {
  const { codename, files } = debianSources('/etc');
  const list = join(folder, `list.${files[0]?.endsWith('.list') ? 'list' : 'sources'}`);
  const text = files.map((file) => readFileSync(file, 'utf8').replaceAll(codename, suite)).join('\n');
  writeFileSync(list, suite === 'sid' ? withoutSuitesBeside(suite, text) : text);
  return { suite, options: ownOptions(), lists: [list] };
}

function ownOptions(): readonly string[] {
  const dump = execFileSync('apt-config', ['dump'], { encoding: 'utf8' });
  return aptOptions(dump).map((line) => `--aptopt=${line}`);
}

/**
 * Leaves out the suites that only a release has (`-updates`, `-security`): sid gets what is new at once.
 * @param text files of apt, in either format
 */
export function withoutSuitesBeside(suite: string, text: string): string {
  const beside = new RegExp(`[ \\t]${suite}-\\w+`, 'g');
  return text
    .split(/\n{2,}/)
    .map((stanza) => {
      const lines = stanza.split('\n').filter((line) => !(line.startsWith('deb') && line.match(beside)));
      return lines.map((line) => (line.startsWith('Suites:') ? line.replaceAll(beside, '') : line)).join('\n');
    })
    .filter((stanza) => !/^Suites:\s*$/m.test(stanza))
    .join('\n\n');
}

/**
 * Finds how this machine reaches the sources, which the apt of mmdebstrap does not know: proxies, and what is checked.
 * @param dump what `apt-config dump` prints
 * @returns lines of apt.conf(5)
 */
export const aptOptions = (dump: string): readonly string[] =>
  dump.split('\n').filter((line) => /^Acquire::(https?|Check-)[^ ]* "[^"]+";$/.test(line));
