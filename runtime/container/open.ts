/** A container that is there, opened for one command. */

import { detectLayout } from '../../effects/cgroups/layout.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import type { Session } from '../../effects/session.ts';
import type { Request } from '../../machines/events.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { environmentOf } from '../host/environment.ts';
import { accessFor, type Container, type ContainerOptions, openContainer } from './container.ts';
import type { Context } from './context.ts';
import { type BeginCreation, effectsOf } from './effects.ts';

/** A command that creates no process passes nothing on. */
const NOTHING: Session['inheritance'] = { stdio: [0, 1, 2], preserveFds: 0 };

interface SessionOptions extends Pick<Session, 'startsAtOnce'> {
  readonly inheritance?: Session['inheritance'];
}

/** What a command holds of the container `id` while it works on it. */
export const sessionFor = (
  { platform, root, host, shared }: Context,
  id: string,
  { inheritance = NOTHING, startsAtOnce = false }: SessionOptions = {},
): Session => ({
  platform,
  inheritance,
  startsAtOnce,
  devicePrograms: shared?.devicePrograms,
  reaped: shared?.children.note,
  directory: `${root}/${id}`,
  // To read it takes its time, and few commands have a use for it.
  get environment() {
    return environmentOf(host, platform.local);
  },
});

/** @param begin for a command that makes the container */
export function optionsFor(
  context: Context,
  id: string,
  options?: SessionOptions,
  begin?: BeginCreation,
): ContainerOptions {
  const { platform, root, patience, inspect, onChange } = context;
  const session = sessionFor(context, id, options);
  return {
    kernel: platform.local,
    root,
    id,
    effects: effectsOf(session, begin),
    patience,
    guessCgroup: () => guessCgroup(context, id),
    ...(onChange === undefined ? {} : { onChange }),
    ...(inspect === undefined ? {} : { inspect }),
  };
}

/** Where a container has its cgroup when config.json names none; undefined on a host without cgroups. */
function guessCgroup({ platform, systemdCgroup }: Context, id: string): CgroupRecord | undefined {
  try {
    return planCgroup({ id, layout: detectLayout(platform.local), systemd: systemdCgroup });
  } catch {
    return undefined;
  }
}

/** @param request that the container is opened for. @throws StoreError `missing`, `damaged`, `busy` */
export const openExisting = (context: Context, id: string, request: Request['type']): Promise<Container> =>
  openContainer(optionsFor(context, id), accessFor(request));
