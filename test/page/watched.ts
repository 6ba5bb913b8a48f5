/** A recording as `runchart watch --record` writes it, made up: with as many containers as a test wants to see. */

import type { Line } from '../../spec/watch/lines.ts';

const PLACES = ['cgroup', 'namespaces', 'mounts', 'rootfs', 'process', 'saving'];
/** 2026-11-30, noon. */
const BEGIN = 1_796_040_000;

/**
 * @param ids a container for each
 * @param events how many lines there are, at least
 */
export function recordingOf(ids: readonly string[], events: number): string {
  const lines: Line[] = [];
  for (const [index, id] of ids.entries()) lines.push(...creation(id, index));
  for (let round = 0; lines.length < events; round++) {
    const index = round % ids.length;
    lines.push(...pauseAndResume(ids[index] ?? '', ids.length + round));
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function creation(id: string, index: number): Line[] {
  const at = BEGIN + index;
  const common = { run: `${1000 + index}.create`, root: '/run/made-up' };
  return [
    { type: 'command', format: 1, version: '0.1.0', command: 'run', id, pid: 1000 + index, at, ...common },
    { type: 'state', id, state: 'absent', status: null, at: at + 0.001, ...common },
    { type: 'request', id, request: 'create', at: at + 0.002, ...common },
    ...PLACES.map(
      (place, step): Line => ({
        type: 'state',
        id,
        state: `creating.${place}`,
        status: 'creating',
        at: at + 0.003 + step / 500,
        ...common,
      }),
    ),
    { type: 'state', id, state: 'created', status: 'created', at: at + 0.02, ...common },
    { type: 'request', id, request: 'start', at: at + 0.021, ...common },
    { type: 'state', id, state: 'starting', status: 'created', at: at + 0.022, ...common },
    { type: 'state', id, state: 'running', status: 'running', at: at + 0.03, ...common },
    { type: 'end', status: 0, at: at + 0.031, ...common },
  ];
}

function pauseAndResume(id: string, index: number): Line[] {
  const at = BEGIN + index;
  const commands = ['pause', 'resume'] as const;
  return commands.flatMap((command, step): Line[] => {
    const [from, to] = command === 'pause' ? (['running', 'paused'] as const) : (['paused', 'running'] as const);
    const common = { run: `${100_000 + index}.${command}`, root: '/run/made-up' };
    const began = at + step / 2;
    return [
      { type: 'command', format: 1, version: '0.1.0', command, id, pid: 9, at: began, ...common },
      { type: 'state', id, state: from, status: from, at: began + 0.001, ...common },
      { type: 'request', id, request: command, at: began + 0.002, ...common },
      {
        type: 'state',
        id,
        state: `${from}.${command.replace(/e$/, '')}ing`,
        status: from,
        at: began + 0.003,
        ...common,
      },
      { type: 'state', id, state: to, status: to, at: began + 0.01, ...common },
      { type: 'end', status: 0, at: began + 0.011, ...common },
    ];
  });
}

/** A life in which a pause fails: the kernel is asked then what became of the container. Its ways are not drawn. */
export function recordingOfFailedPause(id: string): string {
  const common = { run: '2000.pause', root: '/run/made-up' };
  const at = BEGIN + 10;
  const lines: readonly Line[] = [
    ...creation(id, 0),
    { type: 'command', format: 1, version: '0.1.0', command: 'pause', id, pid: 2000, at, ...common },
    { type: 'state', id, state: 'running', status: 'running', at: at + 0.001, ...common },
    { type: 'request', id, request: 'pause', at: at + 0.002, ...common },
    { type: 'state', id, state: 'running.pausing', status: 'running', at: at + 0.003, ...common },
    { type: 'failure', id, during: 'pause', message: 'freeze: EBUSY', code: 'EBUSY', at: at + 0.004, ...common },
    { type: 'warning', message: 'it is slow', at: at + 0.004, ...common },
    { type: 'state', id, state: 'observing', status: null, at: at + 0.005, ...common },
    { type: 'state', id, state: 'paused', status: 'paused', at: at + 0.006, ...common },
    { type: 'end', status: 1, error: 'freeze: EBUSY', at: at + 0.007, ...common },
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
