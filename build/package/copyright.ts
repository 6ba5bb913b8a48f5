/** Writes /usr/share/doc/runchart/copyright in Debian's machine-readable format. */
import type { LinkedPackage } from './linked.ts';

const FORMAT = 'https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/';
/** What Bun says of itself: its engine, JavaScriptCore of WebKit, is linked in. */
const OF_BUN =
  'Bun, whose executable the engine is made of, links in JavaScriptCore of WebKit (LGPL-2 and BSD-2-clause) and ' +
  'other libraries. The page of its licences lists them, and tells how to relink: ' +
  'https://bun.com/docs/project/licensing';

export function copyright(own: string, linked: readonly LinkedPackage[]): string {
  return [
    `Format: ${FORMAT}`,
    'Upstream-Name: runchart',
    '',
    'Files: *',
    'Copyright: the runchart authors',
    'License: Apache-2.0',
    paragraph(own),
    '',
    ...linked.flatMap(stanza),
    'Comment:',
    paragraph(OF_BUN),
    '',
  ].join('\n');
}

/** What is linked in has no files of its own in the package: its licence texts lie beside this file. */
const stanza = ({ name, version, license, homepage, text }: LinkedPackage): readonly string[] => [
  'Files: lib/runchart/runchart-engine lib/runchart/koffi.node',
  `Comment: linked in: ${name} ${version}${homepage === '' ? '' : `, ${homepage}`}`,
  `Copyright: ${copyrightLine(text) ?? `the authors of ${name}`}`,
  `License: ${license}`,
  text === undefined
    ? ` The package of ${name} brings no text of its licence.`
    : ` /usr/share/doc/runchart/licences/${name.replace('/', '-')}`,
  '',
];

const copyrightLine = (text: string | undefined): string | undefined =>
  text
    ?.split('\n')
    .map((line) => line.trim())
    .find((line) => /^(\(c\)|copyright)/i.test(line))
    ?.replace(/^copyright:?\s*/i, '');

/** A text as a field has it: each line indented, an empty one as a dot. */
const paragraph = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line}`))
    .join('\n');
