/** Puts together what one command needs to work on a container, from the command's context. */

import { detectLayout } from '../../effects/cgroups/layout.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import type { Session } from '../../effects/session.ts';
import type { Request } from '../../machines/events.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { environmentOf } from '../host/environment.ts';
import { accessFor, openContainer } from './access.ts';
import type { Container, OpenOptions } from './container.ts';
import type { Context } from './context.ts';
import { type BeginCreation, effectsOf } from './effects.ts';

/** For a command that creates no process: it passes nothing on. */
const NOTHING: Session['inheritance'] = { stdio: [0, 1, 2], preserveFds: 0 };

interface SessionOptions extends Pick<Session, 'startsAtOnce' | 'startsHere'> {
  readonly inheritance?: Session['inheritance'];
}

/** The session of a command with the container `id`. */
export const sessionFor = (
  { platform, root, host, devicePrograms, reaped, warn }: Context,
  id: string,
  { inheritance = NOTHING, startsAtOnce = false, startsHere = startsAtOnce }: SessionOptions = {},
): Session => ({
  platform,
  inheritance,
  startsAtOnce,
  startsHere,
  devicePrograms,
  reaped,
  warn,
  directory: `${root}/${id}`,
  // Read when it is asked for, since that takes time and few commands need it.
  get environment() {
    return environmentOf(host, platform.local);
  },
});

/** @param begin given by a command that makes the container */
export function optionsFor(context: Context, id: string, options?: SessionOptions, begin?: BeginCreation): OpenOptions {
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

/** The cgroup of a container whose config.json names none; undefined on a host without cgroups. */
function guessCgroup({ platform, systemdCgroup }: Context, id: string): CgroupRecord | undefined {
  try {
    return planCgroup({ id, layout: detectLayout(platform.local), systemd: systemdCgroup });
  } catch {
    return undefined;
  }
}

/** Opens a container that is there. @param request what for. @throws StoreError `missing`, `damaged`, `busy` */
export const openExisting = (context: Context, id: string, request: Request['type']): Promise<Container> =>
  openContainer(optionsFor(context, id), accessFor(request));
