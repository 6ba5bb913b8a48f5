/** A container that is there, opened for one command. */

import type { Session } from '../effects/session.ts';
import { type Access, type Container, type ContainerOptions, openContainer } from './container.ts';
import type { Context } from './context.ts';
import { effectsOf } from './effects.ts';

/** A command that creates no process passes nothing on. */
const NOTHING: Session['inheritance'] = { stdio: [0, 1, 2], preserveFds: 0 };

export function optionsFor(context: Context, id: string, inheritance = NOTHING): ContainerOptions {
  const { platform, root, patience, inspect, onChange, host } = context;
  const session: Session = {
    platform,
    inheritance,
    directory: `${root}/${id}`,
    environment: Object.entries(host.env).map(([name, value = '']) => `${name}=${value}`),
  };
  return {
    kernel: platform.local,
    root,
    id,
    effects: effectsOf(session),
    patience,
    ...(onChange === undefined ? {} : { onChange }),
    ...(inspect === undefined ? {} : { inspect }),
  };
}

/** @throws StoreError `missing`, `damaged`, `busy` */
export const openExisting = (context: Context, id: string, access: Access): Promise<Container> =>
  openContainer(optionsFor(context, id), access);
