import { string as argument } from '@oclif/core/args';
import { boolean, string } from '@oclif/core/flags';
import manifest from '../package.json' with { type: 'json' };
import { environmentOf } from '../runtime/host/environment.ts';
import { print } from '../runtime/host/output.ts';
import { absolutePath, givenPath } from '../runtime/host/path.ts';
import type { Links } from '../watch/watch.ts';
import { RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';
import { UsageError } from './line.ts';

export default class Watch extends RuntimeCommand {
  static override id = 'watch';
  static override summary = 'show in a browser what commands do to containers, as they do it';
  static override description =
    'A page on 127.0.0.1 shows the chart, the containers, and what happens to them, whichever program runs the ' +
    'commands. Inspectors of XState can connect too. With a file, a recording or a trace is played instead.';
  static override examples = [
    { description: 'All containers of the default state root', command: 'runchart watch' },
    { description: 'Those of engines as well', command: 'runchart watch --root /run/runchart --root /run/runc' },
    { description: 'Keep what happens', command: 'runchart watch --record day.jsonl' },
    { description: 'See later what one command did', command: 'runchart watch run.jsonl' },
    { description: 'See it in Perfetto', command: 'runchart watch --export chrome run.jsonl > run.json' },
  ];
  static override takes = [0, 1] as const;
  static override args = {
    file: argument({ ignoreStdin: true, description: 'a file of --record, or of --trace FILE.jsonl, to play' }),
  };
  static override flags = {
    ...globals,
    root: string({
      multiple: true,
      helpValue: 'DIR',
      description: 'a state root to watch; may be given several times (default: /run/runchart)',
    }),
    listen: string({
      helpValue: '[ADDRESS:]PORT',
      description: 'where to serve (default: a free port of 127.0.0.1)',
    }),
    open: boolean({ description: 'open the page in a browser' }),
    record: string({ helpValue: 'FILE', description: 'append what happens to this file, as lines of JSON' }),
    speed: string({ helpValue: 'N|max', description: 'how fast to play a file: 2 is twice as fast (default: 1)' }),
    export: string({
      helpValue: 'otlp|chrome',
      description: 'write the file as OTLP/JSON, or in the format of Chrome and Perfetto, and end',
    }),
    stately: boolean({ description: 'serve a page that hands everything on to the inspector of stately.ai' }),
    'with-values': boolean({ description: 'show the values of annotations and environment variables' }),
    'token-file': string({
      helpValue: 'FILE',
      description: "keep the link's token in this file, so that the link stays good",
    }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Watch);
    const { host } = this;
    const { listen, format, speed } = readFlags(flags, args.file);
    const [first, ...others] = flags.root ?? [];
    const { context } = await this.prepare({ ...flags, root: first });
    const { platform, root, warn } = context;
    const file = givenPath(host, args.file);
    if (format !== undefined && file !== undefined) {
      const { exported } = await import('../watch/export/exported.ts');
      print(platform.local, `${exported(file, format, warn)}\n`);
      return 0;
    }
    const { watch, keptToken, newToken, openBrowser } = await import('../watch/index.ts');
    const tokenFile = givenPath(host, flags['token-file']);
    using undo = new DisposableStack();
    await watch(
      {
        platform,
        version: manifest.version,
        roots: [...new Set([root, ...others.map((other) => absolutePath(host, other))])],
        file,
        speed,
        ...listen,
        token: tokenFile === undefined ? newToken() : keptToken(tokenFile),
        stately: flags.stately,
        withValues: flags['with-values'],
        record: givenPath(host, flags.record),
        warn,
        ready: (links) => {
          print(platform.local, linesOf(links));
          if (flags.open) undo.use(openBrowser(links.page, environmentOf(host, platform.local), warn));
        },
      },
      interrupted(),
    );
    return 0;
  }
}

interface Flags {
  readonly listen?: string | undefined;
  readonly speed?: string | undefined;
  readonly export?: string | undefined;
  readonly record?: string | undefined;
}

/** @throws UsageError */
function readFlags(flags: Flags, file: string | undefined) {
  const format = formatOf(flags.export);
  if (format !== undefined && file === undefined)
    throw new UsageError('--export needs the file of a trace or a recording: runchart watch --export otlp FILE');
  if (file !== undefined && flags.record !== undefined)
    throw new UsageError('--record keeps what commands do: it cannot be given together with a file to play');
  return { listen: addressOf(flags.listen), format, speed: speedOf(flags.speed) };
}

/** @throws UsageError */
function formatOf(format: string | undefined): 'otlp' | 'chrome' | undefined {
  if (format === undefined || format === 'otlp' || format === 'chrome') return format;
  throw new UsageError(`invalid --export ${JSON.stringify(format)}: otlp or chrome`);
}

/** `4711`, `127.0.0.1:4711`, `[::1]:4711`. @throws UsageError */
function addressOf(listen = '0') {
  const form = /^(?:\[(?<six>[0-9a-f:.]+)\]:|(?<four>[\d.]+):)?(?<port>\d{1,5})$/i;
  const { six, four, port } = form.exec(listen)?.groups ?? {};
  if (port === undefined || Number(port) > 65_535)
    throw new UsageError(`invalid --listen ${JSON.stringify(listen)}: 4711, 127.0.0.1:4711 or [::1]:4711`);
  return { address: six ?? four ?? '127.0.0.1', port: Number(port) };
}

/** @throws UsageError */
function speedOf(speed = '1'): number {
  if (speed === 'max') return Number.POSITIVE_INFINITY;
  const number = Number(speed);
  if (!(number > 0)) throw new UsageError(`invalid --speed ${JSON.stringify(speed)}: a number above 0, or max`);
  return number;
}

const linesOf = ({ page, inspect, stately }: Links): string =>
  `page:       ${page}\ninspectors: ${inspect}\n${stately === undefined ? '' : `stately:    ${stately}\n`}`;

function interrupted(): Promise<unknown> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve);
  });
}
