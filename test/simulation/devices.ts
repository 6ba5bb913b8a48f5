/** Device rules of cgroups: the lists of v1 (security/device_cgroup.c), the programs of v2. */

import { S } from '../../native/constants/files.ts';
import { type Args, fill } from './args.ts';
import { OpenFile } from './descriptors.ts';
import { fail } from './failure.ts';
import type { Node } from './nodes.ts';
import type { Process } from './processes.ts';
import type { Calls } from './world.ts';

/** A default, and the exceptions from it by device (`c 1:3`), each with the accesses that it is about. */
interface DeviceList {
  allow: boolean;
  readonly exceptions: Map<string, string>;
}

/** Gives a v1 devices cgroup its files. At first it has the rules of the cgroup above it. */
export function addDeviceFiles(directory: Node, lists: WeakMap<Node, DeviceList>): void {
  const above = lists.get(directory.parent);
  const list: DeviceList = { allow: above?.allow ?? true, exceptions: new Map(above?.exceptions) };
  lists.set(directory, list);
  directory.add('devices.list', S.IFREG, 0o444, {
    read: () =>
      list.allow ? 'a *:* rwm\n' : [...list.exceptions].map(([device, access]) => `${device} ${access}\n`).join(''),
  });
  for (const allow of [true, false])
    directory.add(allow ? 'devices.allow' : 'devices.deny', S.IFREG, 0o200, {
      write: (_, text) => changeRules(list, allow, text.trim()),
    });
}

function changeRules(list: DeviceList, allow: boolean, rule: string): void {
  if (/^a( \*:\* rwm)?$/.test(rule)) {
    list.allow = allow;
    list.exceptions.clear();
    return;
  }
  const [, device, letters = ''] = /^([bc] (?:\d+|\*):(?:\d+|\*)) ([rwm]+)$/.exec(rule) ?? [];
  if (device === undefined) fail('EINVAL');
  const before = list.exceptions.get(device) ?? '';
  const adds = allow !== list.allow;
  const access = [...'rwm'].filter((one) =>
    adds ? (before + letters).includes(one) : before.includes(one) && !letters.includes(one),
  );
  if (access.length > 0) list.exceptions.set(device, access.join(''));
  else list.exceptions.delete(device);
}

/** A loaded program. It is gone when nothing refers to it. */
export interface DeviceProgram {
  readonly id: number;
  readonly instructions: Uint8Array;
}

const COMMAND = { PROG_LOAD: 5, PROG_ATTACH: 8, PROG_DETACH: 9, PROG_GET_FD_BY_ID: 13, PROG_QUERY: 16 } as const;
const BPF_F_REPLACE = 4;

/** The programs attached to a cgroup v2 directory. */
function attached(p: Process, fd: number): DeviceProgram[] {
  const node = p.descriptors.get(fd).path?.node;
  if (node === undefined || p.world.cgroups.hierarchyOf(node)?.controllers.length !== 0) fail('EBADF');
  return node.programs;
}

const programAt = (p: Process, fd: number): DeviceProgram => p.descriptors.get(fd).program ?? fail('EINVAL');
const open = (p: Process, program: DeviceProgram): number => p.install(new OpenFile(2, { program }));

function command(p: Process, a: Args): number | undefined {
  const field = (offset: number): number => a.view(1, offset + 4).getUint32(offset, true);
  switch (a.num(0)) {
    case COMMAND.PROG_LOAD:
      return open(p, { id: p.world.number(), instructions: a.pointeeBytes(1, 8).slice() });
    case COMMAND.PROG_ATTACH: {
      const programs = attached(p, field(0));
      const program = programAt(p, field(4));
      if (!(field(12) & BPF_F_REPLACE)) programs.push(program);
      else {
        const place = programs.indexOf(programAt(p, field(16)));
        if (place < 0) fail('ENOENT');
        programs[place] = program;
      }
      return 0;
    }
    case COMMAND.PROG_DETACH: {
      const programs = attached(p, field(0));
      const place = programs.indexOf(programAt(p, field(4)));
      if (place < 0) fail('ENOENT');
      programs.splice(place, 1);
      return 0;
    }
    case COMMAND.PROG_QUERY:
      fill(a.pointeeBytes(1, 16), new Uint8Array(Uint32Array.from(attached(p, field(0)), ({ id }) => id).buffer));
      return 0;
    case COMMAND.PROG_GET_FD_BY_ID:
      return open(p, p.world.cgroups.programs().find(({ id }) => id === field(0)) ?? fail('ENOENT'));
    default:
      return fail('EINVAL');
  }
}

export const deviceCalls: Calls = { bpf: command };
