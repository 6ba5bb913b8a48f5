/** docs/conformance.md, from the schema and from what covers it. */

import { coverageOf } from './coverage.ts';
import { configFields, type Field } from './fields.ts';
import type { Coverage, TestName } from './registry.ts';

const HEAD = `# Conformance

Every field of config.json on Linux ([the specification](https://github.com/opencontainers/runtime-spec), version 1.3), and
the tests that show that it acts. Made by \`npm run conformance\` from our own schema (\`spec/config/\`) and
\`test/conformance/\`; a field without a test, or a test that is not there, fails \`npm test\`.

\`[]\` is any item of a list, \`*\` any key of a map. Files are below \`test/\`; those in \`integration/\` ask the kernel
about real containers.
`;

export function conformanceDocument(): string {
  const sections = Map.groupBy(configFields(), sectionOf);
  const tables = [...sections].map(
    ([name, fields]) =>
      `## ${name}\n\n| field | type | shown by |\n| --- | --- | --- |\n${fields.map(row).join('\n')}\n`,
  );
  return [HEAD, ...tables].join('\n');
}

/** `process`, `linux.resources`, …: what stands alone is of the config itself. */
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
