/** Makes docs/conformance.md from the schema and from what covers it. */

import { readFileSync } from 'node:fs';
import { coverageOf } from './coverage.ts';
import { configFields, type Field } from './fields.ts';
import type { Coverage, TestName } from './registry.ts';

const HEAD = `# Conformance

This page lists every field of config.json on Linux, after version 1.3 of
[the specification](https://github.com/opencontainers/runtime-spec), and the tests that show what the field does.
\`npm run conformance\` writes it from our own schema (\`spec/config/\`) and from \`test/conformance/\`. \`npm test\`
fails if a field has no test, or if a test that is named here does not exist.

In the paths of fields, \`[]\` means any item of a list, and \`*\` any key of a map. The files are below \`test/\`.
Those in \`integration/\` ask the kernel about real containers. SELinux is shown by \`npm run test:selinux\`, with
Debian's policy. \`linux.intelRdt\` has never met real hardware: its tests use files that look like resctrl.
`;

/** What test/judges/run.ts keeps with `--record`. */
interface Figures {
  readonly about: string;
  readonly date: string;
  readonly peer: string;
  readonly tests: number;
  readonly passed: number;
  readonly skipped: number;
  readonly failedWithBoth: number;
  readonly failedWithPeerAlone: number;
  readonly failedWithOursAlone: number;
}

const LAST = new URL('../judges/last.json', import.meta.url);

const JUDGES = `## Judges

Suites that others wrote, run with runchart and with a peer on one machine by \`node test/judges/run.ts\`. What fails
with ours alone and is understood is listed in \`test/judges/expected/\`, each with its reason; the rest has not been
looked into. Most tests that are skipped, or fail with both, need what the machine lacks.

| suite | date | peer | tests | passed | skipped | failed with both | with the peer alone | with ours alone |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |`;

export function conformanceDocument(): string {
  const sections = Map.groupBy(configFields(), sectionOf);
  const tables = [...sections].map(
    ([name, fields]) =>
      `## ${name}\n\n| field | type | shown by |\n| --- | --- | --- |\n${fields.map(row).join('\n')}\n`,
  );
  return [HEAD, ...tables, judges()].join('\n');
}

/** The figures of the last whole run of each judge. */
function judges(): string {
  const last: Readonly<Record<string, Figures>> = JSON.parse(readFileSync(LAST, 'utf8'));
  const rows = Object.entries(last).map(([name, of]) => {
    const seen = name.includes('(') ? `, ${name.slice(name.indexOf('(') + 1, -1)}` : '';
    const failed = [of.failedWithBoth, of.failedWithPeerAlone, of.failedWithOursAlone];
    const cells = [`${of.about}${seen}`, of.date, of.peer, of.tests, of.passed, of.skipped, ...failed];
    return `| ${cells.join(' | ')} |`;
  });
  return `${JUDGES}\n${rows.join('\n')}\n`;
}

/** @returns `process`, `linux.resources`, …; `config` for a field at the top level */
function sectionOf({ path }: Field): string {
  const [top = '', second = ''] = path.split(/[.[]/);
  if (top === 'linux' && ['resources', 'seccomp'].includes(second)) return `${top}.${second}`;
  return ['process', 'mounts', 'hooks', 'linux', 'freebsd'].includes(top) ? top : 'config';
}

function row({ path, type, values }: Field): string {
  const kinds = values.length > 0 ? `${values.length} values` : type;
  return `| \`${path}\` | ${kinds} | ${shown(coverageOf(path))} |`;
}

function shown(coverage: Coverage | undefined): string {
  if (coverage === undefined) return '**nothing**';
  const tests = coverage.tests.map(link).join('<br>');
  return coverage.kind === 'without effect' ? `no effect: ${coverage.reason}: ${tests}` : tests;
}

const link = ({ file, title }: TestName): string =>
  `[${file.replace(/\.test\.ts$/, '')}](../test/${file}): ${title.replaceAll('|', '\\|')}`;
