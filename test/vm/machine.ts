/** The test machine as a process of qemu. It emulates, since there is no KVM where the machine is needed most. */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Image } from './image.ts';
import type { Told } from './talk.ts';

export interface Limits {
  /** How long it may be silent before it says that it is up. */
  readonly bootMs: number;
  /** How long it may be silent after that. */
  readonly silenceMs: number;
}

interface Machine {
  readonly image: Image;
  /** Further words of the kernel's command line. */
  readonly kernelWords: readonly string[];
  /** A second disk, which is read-only. */
  readonly payload: string;
  /** A folder for the output of its console. */
  readonly work: string;
  readonly limits: Limits;
  /** Ends it. */
  readonly stop: AbortSignal;
}

/**
 * Boots the machine, and waits until it has powered itself off.
 * @param heard is called with each thing that it tells
 * @returns what went wrong, with the end of its console's output; nothing if it said goodbye
 */
export async function runMachine(machine: Machine, heard: (what: Told) => void): Promise<string | undefined> {
  const log = join(machine.work, 'console.log');
  // It has the lowest priority, since others work on this machine too, and it dies with us, whatever happens to us.
  const prefix = ['-n', '19', 'setpriv', '--pdeathsig', 'KILL'];
  const child = spawn('nice', [...prefix, 'qemu-system-x86_64', ...qemuArguments(machine, log)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  let [failure, good]: [string | undefined, boolean] = [undefined, false];
  const fail = (why: string) => () => {
    failure ??= why;
    child.kill('SIGKILL');
  };
  const { limits, stop } = machine;
  const { bootMs, silenceMs } = limits;
  const end = fail('it was ended');
  stop.addEventListener('abort', end);
  if (stop.aborted) end();
  let patience = setTimeout(fail(`it did not boot in ${bootMs / 1000} s`), bootMs);
  const closed = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status, signal) => resolve(signal ?? `status ${status}`));
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const what = toldBy(line);
    if (what === undefined) continue;
    clearTimeout(patience);
    patience = setTimeout(fail(`nothing was heard for ${silenceMs / 1000} s after: ${line.slice(0, 300)}`), silenceMs);
    good ||= what.kind === 'down';
    heard(what);
  }
  const ending = await closed;
  clearTimeout(patience);
  stop.removeEventListener('abort', end);
  if (good && failure === undefined) return undefined;
  return [failure ?? `it ended early (${ending})`, errors.trim(), 'the end of its console:', tailOf(log)].join('\n');
}

function qemuArguments({ image, kernelWords, payload }: Machine, log: string): string[] {
  const disk = (file: string, more: string) => ['-drive', `file=${file},format=raw,if=virtio,${more}`];
  const kernel = [
    'console=ttyS0 root=/dev/vda rw quiet',
    // Tests of hugetlb limits need them.
    'hugepages=4',
    // Each of these protections costs time here, and nobody attacks.
    'mitigations=off nokaslr random.trust_cpu=on',
    'systemd.show_status=0',
    ...kernelWords,
  ].join(' ');
  return [
    ...['-accel', 'tcg,thread=multi,tb-size=512', '-cpu', 'max', '-smp', '2', '-m', '2048'],
    ...['-nodefaults', '-display', 'none', '-no-reboot'],
    ...['-serial', `file:${log}`, '-chardev', 'stdio,id=talk,signal=off', '-serial', 'chardev:talk'],
    ...['-kernel', image.kernel, '-initrd', image.initrd, '-append', kernel],
    ...disk(image.disk, 'snapshot=on'),
    ...disk(payload, 'readonly=on'),
  ];
}

function toldBy(line: string): Told | undefined {
  try {
    return JSON.parse(line) as Told;
  } catch {
    // The firmware prints, too.
    return undefined;
  }
}

function tailOf(log: string): string {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-40).join('\n');
  } catch {
    return '(nothing)';
  }
}
