/**
 * The part of `node:test` that the tests use, for Bun. Tests run one after the other, and each is reported as it
 * happens. Reports are lines of JSON, appended to RUNCHART_TEST_REPORTS. Without that variable, there is a summary on
 * standard output, in the words of Node.
 */
import { appendFileSync } from 'node:fs';
import { inspect } from 'node:util';
import type { Report } from '../../runner/reporter.ts';

type Work = (context: TestContext) => unknown;
interface Options {
  readonly skip?: string | boolean | undefined;
  readonly todo?: string | boolean | undefined;
  readonly timeout?: number;
}
type Arguments = [name: string, work: Work] | [name: string, options: Options, work: Work];

export interface TestContext {
  readonly name: string;
  after(work: () => unknown): void;
  diagnostic(text: string): void;
  skip(reason?: string): void;
  test(...args: Arguments): Promise<void>;
}

interface Suite {
  readonly nesting: number;
  readonly before: (() => unknown)[];
  readonly after: (() => unknown)[];
  readonly beforeEach: (() => unknown)[];
  readonly afterEach: (() => unknown)[];
  /** Settles when all that was registered so far has been performed. */
  queue: Promise<void>;
  begun: boolean;
  readonly parent?: Suite;
}

const PATIENCE_MS = 500_000;
/** The limit of a test was meant for a machine that is not emulated. */
const SLOWER = 10;
const FILE = process.argv[1] ?? '';
const reports = process.env.RUNCHART_TEST_REPORTS;
const counts = { pass: 0, fail: 0, skipped: 0 };
const newSuite = (nesting: number, parent?: Suite): Suite => ({
  nesting,
  before: [],
  after: [],
  beforeEach: [],
  afterEach: [],
  queue: Promise.resolve(),
  begun: false,
  ...(parent ? { parent } : {}),
});
const root = newSuite(0);
let current = root;

export const test = Object.assign(add, { skip: skipped });
export const it = test;
export const before = (work: () => unknown): unknown => current.before.push(work);
export const after = (work: () => unknown): unknown => current.after.push(work);
export const beforeEach = (work: () => unknown): unknown => current.beforeEach.push(work);
export const afterEach = (work: () => unknown): unknown => current.afterEach.push(work);
export default test;

export function describe(...args: Arguments): void {
  const [name, options, work] = normalized(args);
  const line = callersLine();
  const [outer, inner] = [current, newSuite(current.nesting + 1, current)];
  if (isMarked(options)) return void enqueue(outer, async () => endAsSkipped(name, outer.nesting, line, options, true));
  current = inner;
  try {
    work({} as TestContext);
  } finally {
    current = outer;
  }
  enqueue(outer, async () => {
    report({ kind: 'start', name, nesting: outer.nesting, file: FILE });
    const started = performance.now();
    const failure = await attempt(async () => {
      await begin(inner);
      open(inner);
      await inner.queue;
      for (const hook of inner.after) await hook();
    }, undefined);
    if (failure !== undefined) counts.fail++;
    end(name, outer.nesting, line, true, started, failure);
  });
}
export const suite = describe;

/** Suites wait for their turn. The tests of the file itself begin as they are registered. */
const gates = new Map<Suite, () => void>();
function open(inner: Suite): void {
  gates.get(inner)?.();
}

function enqueue(to: Suite, work: () => Promise<void>): Promise<void> {
  if (to !== root && !gates.has(to)) {
    to.queue = new Promise((resolve) => {
      gates.set(to, resolve);
    });
  }
  to.queue = to.queue.then(work);
  return to.queue;
}

function add(...args: Arguments): Promise<void> {
  const [name, options, work] = normalized(args);
  const [to, line] = [current, callersLine()];
  return enqueue(to, () => perform(to, to.nesting, name, options, work, line));
}

function skipped(...args: Arguments): Promise<void> {
  const [name, options, work] = normalized(args);
  return add(name, { ...options, skip: true }, work);
}

async function perform(
  owner: Suite,
  nesting: number,
  name: string,
  options: Options,
  work: Work,
  line: number,
): Promise<void> {
  if (isMarked(options)) return endAsSkipped(name, nesting, line, options, false);
  report({ kind: 'start', name, nesting, file: FILE });
  const started = performance.now();
  const ending: (() => unknown)[] = [];
  let skip: string | undefined;
  let failedInside = 0;
  const context: TestContext = {
    name,
    after: (hook) => void ending.push(hook),
    diagnostic: (text) => console.log(text),
    skip: (reason = '') => {
      skip = reason;
    },
    async test(...args) {
      const [inner, innerOptions, innerWork] = normalized(args);
      const failed = counts.fail;
      await perform(owner, nesting + 1, inner, innerOptions, innerWork, callersLine());
      failedInside += counts.fail - failed;
    },
  };
  const run = async (): Promise<void> => {
    await begin(owner);
    const levels = levelsOf(owner);
    for (const hook of levels.flatMap((level) => level.beforeEach)) await hook();
    try {
      await work(context);
    } finally {
      for (const hook of [...ending, ...levels.toReversed().flatMap((level) => level.afterEach)]) await hook();
    }
  };
  const failure =
    (await attempt(run, options.timeout === undefined ? PATIENCE_MS : options.timeout * SLOWER)) ??
    (failedInside > 0 ? `${failedInside} inside of it failed` : undefined);
  if (failure !== undefined) counts.fail++;
  else if (skip !== undefined) return endAsSkipped(name, nesting, line, { skip }, false);
  else counts.pass++;
  end(name, nesting, line, false, started, failure);
}

/** Performs the hooks that come before the first test. */
async function begin(owner: Suite): Promise<void> {
  for (const level of levelsOf(owner)) {
    if (level.begun) continue;
    level.begun = true;
    for (const hook of level.before) await hook();
  }
}

const levelsOf = (owner: Suite): Suite[] => [...(owner.parent ? levelsOf(owner.parent) : []), owner];

/** @returns what was thrown, for people to read */
async function attempt(work: () => Promise<void>, patienceMs: number | undefined): Promise<string | undefined> {
  const timer = Promise.withResolvers<never>();
  const timeout =
    patienceMs === undefined
      ? undefined
      : setTimeout(() => timer.reject(new Error(`test timed out after ${patienceMs}ms`)), patienceMs);
  try {
    await Promise.race([work(), timer.promise]);
    return undefined;
  } catch (error) {
    return typeof error === 'string' ? error : inspect(error, { depth: 4 });
  } finally {
    clearTimeout(timeout);
  }
}

function normalized(args: Arguments): [string, Options, Work] {
  return args.length === 2 ? [args[0], {}, args[1]] : args;
}

const isMarked = ({ skip, todo }: Options): boolean => Boolean(skip ?? false) || Boolean(todo ?? false);

function endAsSkipped(name: string, nesting: number, line: number, { skip, todo }: Options, whole: boolean): void {
  counts.skipped++;
  const mark = skip || todo;
  const reason = typeof mark === 'string' ? mark : '';
  report({ kind: 'end', name, nesting, file: FILE, line, suite: whole, ms: 0, skipped: reason });
}

function end(name: string, nesting: number, line: number, whole: boolean, started: number, failure?: string): void {
  const ms = performance.now() - started;
  const more = failure === undefined ? {} : { failure };
  report({ kind: 'end', name, nesting, file: FILE, line, suite: whole, ms, ...more });
}

function report(what: Report): void {
  if (reports !== undefined) appendFileSync(reports, `${JSON.stringify(what)}\n`);
  else if (what.kind === 'end') console.log(`${what.failure ? 'not ok' : 'ok'} - ${what.name} ${what.failure ?? ''}`);
}

/** @returns the line of the test in its file */
function callersLine(): number {
  const frame = (new Error().stack ?? '').split('\n').find((text) => text.includes(FILE));
  return Number(/:(\d+):\d+\)?$/.exec(frame ?? '')?.[1] ?? 0);
}

let finished = false;
process.on('beforeExit', () => {
  if (finished) return;
  finished = true;
  void finish();
});

async function finish(): Promise<void> {
  const failure = await attempt(async () => {
    for (const hook of root.after) await hook();
  }, PATIENCE_MS);
  if (failure !== undefined) {
    counts.fail++;
    end('after', 0, 0, true, performance.now(), failure);
  }
  if (reports === undefined) console.log(`# pass ${counts.pass}\n# fail ${counts.fail}\n# skipped ${counts.skipped}`);
  process.exitCode = counts.fail > 0 ? 1 : 0;
}
