/** Makes docs/errors.md: what three runtimes say of the same faults. */

import type { Tried } from './try.ts';

export interface Row {
  /** `runchart`, or a peer with its version. */
  readonly runtime: string;
  readonly says: string;
}

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

const HEAD = `# Errors

Why did it not start? This page has some forty faults, and what runchart, runc and crun say of each. A test makes them
all: \`UPDATE=1 node test/run.ts test/integration/errors.test.ts\` writes the page anew.

An error is one line: first the words that engines know, then its cause in brackets, where one was found. It is looked
up once something has failed, so a command that succeeds does nothing for it. There is more to be had:

- \`runchart explain ID\` tells the story of the last failure: the phase, the call, the path, the cause, and what to do.
  The state root keeps the last 20 failures, for a week, for its owner alone (\`@failures.jsonl\`).
- \`runchart explain FILE.jsonl\` tells it from a trace (\`runchart --trace FILE.jsonl …\`), on any machine.
- \`--log-format json\` has what is known as members of the line: \`phase\`, \`syscall\`, \`errno\`, \`path\`, and
  \`hint\`, which is the cause and what to do.

The bundle is at /srv/web here, and the container is called web. The host of these lines has cgroup v1 and v2 side by
side; crun 1.8 runs no container there, so it saw v2 alone, without controllers.
`;

export const errorsDocument = (sections: readonly Section[]): string => [HEAD, ...sections.map(sectionText)].join('\n');

function sectionText({ title, rows }: Section): string {
  const lines = rows.map(({ runtime, says }) => `| ${runtime} | ${cell(says)} |\n`);
  return `## ${title}\n\n| runtime | what it says |\n| --- | --- |\n${lines.join('')}`;
}

/** A text in a cell of a table, as code. */
const cell = (text: string): string =>
  text === '' ? '(nothing)' : `\`${text.replaceAll('|', '\\|').replaceAll('`', "'")}\``;

/** The document's sections, as it has them. */
export const sectionsOf = (document: string): readonly Section[] =>
  document
    .split(/^## /m)
    .slice(1)
    .map((part) => {
      const [title = '', ...lines] = part.split('\n');
      const rows = lines.flatMap((line): Row[] => {
        const [, runtime, says] = /^\| ((?:runchart|runc|crun)\b.*?) \| (.*) \|$/.exec(line) ?? [];
        return runtime === undefined || says === undefined ? [] : [{ runtime, says }];
      });
      return { title, rows };
    });

/** How a row's text stands in the document. */
export const asCell = cell;

/** A message without what differs from one run to the next, and from one machine to another. */
export function normalised({ status, message, bundle }: Tried, id: string): string {
  if (status === 0) return 'it runs';
  return message
    .replaceAll(bundle, '/srv/web')
    .replaceAll(id, 'web')
    .replace(/\/sys\/fs\/cgroup\/(\w+)\/\S*?(?=\/web\b)/g, '/sys/fs/cgroup/$1/…')
    .replace(/(the cgroup above, )\/\S+(, are )[\d,-]+/g, '$1…$2…')
    .replace(/\/proc\/self\/fd\/\d+/g, '/proc/self/fd/N')
    .replace(/\/proc\/\d+\//g, '/proc/PID/')
    .replace(/\b(usage: )\d+/g, '$1N')
    .replace(/\bthan \d{6,} open files/g, 'than N open files')
    .replace(/\s+/g, ' ')
    .trim();
}
