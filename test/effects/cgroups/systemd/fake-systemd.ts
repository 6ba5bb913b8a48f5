/**
 * A double of systemd's manager, which runs as a process: node fake-systemd.ts ADDRESS FOLDER HIERARCHY…
 * It makes a unit's directory in each hierarchy (a mount point), moves the processes there, and writes every call to
 * FOLDER/calls.jsonl. A unit `…-fails.scope` fails. A unit `…-exists.scope` exists already when it is first started.
 */

import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { loadLibc } from '../../../../native/libraries/libc.ts';
import { ownName, type Request } from '../../../native/libraries/bus/service.ts';

const [address = '', folder = '', ...hierarchies] = process.argv.slice(2);
const MANAGER = 'org.freedesktop.systemd1.Manager';
const PATH = '/org/freedesktop/systemd1';
const service = ownName(loadLibc(), address, 'org.freedesktop.systemd1');

const units = new Map<string, readonly string[]>();
const forgiven = new Set<string>();
let jobs = 0;

function start(name: string, properties: readonly (readonly [string, unknown])[]): string {
  if (name.endsWith('-fails.scope')) return 'failed';
  const slice = String(properties.find(([key]) => key === 'Slice')?.[1] ?? '');
  const pids = (properties.find(([key]) => key === 'PIDs')?.[1] ?? []) as number[];
  const directories = hierarchies.map((hierarchy) => `${hierarchy}/${slice}/${name}`);
  for (const directory of directories) {
    mkdirSync(directory, { recursive: true });
    for (const pid of pids) writeFileSync(`${directory}/cgroup.procs`, String(pid));
  }
  units.set(name, directories);
  return 'done';
}

function stop(name: string): string {
  for (const directory of units.get(name) ?? []) {
    if (!existsSync(directory)) continue;
    for (const pid of readFileSync(`${directory}/cgroup.procs`, 'utf8').split('\n'))
      if (pid !== '') process.kill(Number(pid), 'SIGKILL');
    for (let tries = 0; tries < 100 && existsSync(directory); tries++)
      try {
        rmdirSync(directory);
      } catch {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      }
  }
  units.delete(name);
  return 'done';
}

function finish(request: Request, unit: string, result: string): void {
  const job = `${PATH}/job/${++jobs}`;
  // The signal comes before the answer, since the real systemd may be that fast.
  service.signal(PATH, MANAGER, 'JobRemoved', 'uoss', jobs, job, unit, result);
  request.reply('o', job);
}

function handle(request: Request): void {
  const { member, args } = request;
  appendFileSync(`${folder}/calls.jsonl`, `${JSON.stringify([member, ...args])}\n`);
  const name = String(args[0]);
  switch (member) {
    case 'Get':
      request.reply('v', args[1] === 'Version' ? '252.39-1~deb12u2' : '/user.slice/x.service');
      break;
    case 'StartTransientUnit':
      if (units.has(name) || (name.endsWith('-exists.scope') && !forgiven.has(name)))
        request.fail('org.freedesktop.systemd1.UnitExists', `Unit ${name} already exists.`);
      else finish(request, name, start(name, args[2] as [string, unknown][]));
      break;
    case 'StopUnit':
      if (units.has(name)) finish(request, name, stop(name));
      else request.fail('org.freedesktop.systemd1.NoSuchUnit', `Unit ${name} not loaded.`);
      break;
    case 'ResetFailedUnit':
      forgiven.add(name);
      request.reply('');
      break;
    case 'SetUnitProperties':
      if (units.has(name)) request.reply('');
      else request.fail('org.freedesktop.systemd1.NoSuchUnit', `Unit ${name} not loaded.`);
      break;
    case 'AttachProcessesToUnit':
      request.reply('');
      break;
    default:
      request.fail('org.freedesktop.DBus.Error.UnknownMethod', member);
  }
}

writeFileSync(`${folder}/ready`, '');
service.serve(handle);
