/** Why a hook failed: it could not be started, or what it said last. */

import { ERRNO, errnoName } from '../../native/constants/errno.ts';
import type { Hooks } from '../../spec/types.ts';
import { ProgramError } from '../process/program.ts';
import type { Cause } from './cause.ts';
import { whyNotExecuted } from './program.ts';
import type { Scene } from './scene.ts';
import { shown } from './shown.ts';

/** Hooks of these kinds run in the runtime's namespaces. */
const OUTSIDE: readonly string[] = ['prestart', 'createRuntime', 'poststart', 'poststop'];

/** @param message `error running createRuntime hook #0: exit status 3, stdout: …, stderr: …` */
export function whyHookFailed(scene: Scene, message: string): Cause | undefined {
  const [, kind = '', index, reason = ''] = /^error running (\w+) hook #(\d+): (.*)$/s.exec(message) ?? [];
  const name = `hooks.${kind}[${index}]`;
  const hook = hookOf(scene.record.config.hooks, kind, Number(index));
  const path = hook?.path;
  const [, code] = /^execve .*: (E[A-Z0-9]+): /.exec(reason) ?? [];
  if (code !== undefined && path !== undefined) return whyNotStarted(scene, { kind, name, path, code });
  const [, ending, stdout = '', stderr = ''] = /^(.*?), stdout: (.*), stderr: (.*)$/s.exec(reason) ?? [];
  if (ending === undefined)
    return {
      why: `${name} ${reason}`,
      advice: 'Correct that hook, or its timeout',
      isSaid: true,
      ...(path && { path }),
    };
  const last = lastLines(stderr) || lastLines(stdout);
  const said = last === '' ? 'it said nothing' : `it said last: ${last}`;
  return {
    why: `${name}, ${shown(path ?? '')}, ended with ${ending}; ${said}`,
    advice: `Correct that hook: it gets the container's state as JSON on its standard input`,
    isSaid: true,
    ...(path && { path }),
  };
}

function hookOf(hooks: Hooks | undefined, kind: string, index: number): { readonly path: string } | undefined {
  const list = Object.entries(hooks ?? {}).find(([name]) => name === kind)?.[1];
  return Array.isArray(list) ? list[index] : undefined;
}

interface NotStarted {
  readonly kind: string;
  readonly name: string;
  readonly path: string;
  readonly code: string;
}

function whyNotStarted(scene: Scene, { kind, name, path, code }: NotStarted): Cause | undefined {
  const errno = Object.values(ERRNO).find((one) => errnoName(one) === code) ?? 0;
  const error = new ProgramError('', { program: path, errno, during: 'look' });
  const cause = whyNotExecuted(OUTSIDE.includes(kind) ? onHost(scene) : scene, error);
  return cause && { ...cause, why: `${name}.path: ${cause.why.replace(/^the program\b/, 'the hook')}`, advice: ADVICE };
}

const ADVICE = "Correct the hook's path; hooks outside the container are programs of the host";

/** The hook is a program of the host's, which root executes. */
const onHost = (scene: Scene): Scene => ({
  ...scene,
  pid: undefined,
  process: { cwd: '/', capabilities: { effective: ['CAP_DAC_OVERRIDE'] } },
  record: { ...scene.record, rootfs: '/' },
});

const LINES = 3;

/** The last lines of an output, as one text. */
const lastLines = (output: string): string =>
  output
    .trimEnd()
    .split('\n')
    .slice(-LINES)
    .map((line) => shown(line.trim()))
    .join('; ');
