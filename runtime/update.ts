/** `update`: other limits for a container that is there. */

import { changeLimits } from '../effects/cgroups/by-driver.ts';
import { EffectError } from '../effects/error.ts';
import type { Config, LinuxResources } from '../spec/types.ts';
import { checkConfig } from '../spec/validate.ts';
import { succeed } from './answers.ts';
import { openContainer } from './container.ts';
import type { Context } from './context.ts';
import { optionsFor, sessionFor } from './open.ts';
import { connectSystemd } from './systemd.ts';
import { changeResources } from './update-resources.ts';

/** @throws Error, of one line; the limits are as they were then */
export async function update(context: Context, id: string, asked: LinuxResources): Promise<void> {
  const options = optionsFor(context, id);
  const session = sessionFor(context, id);
  let written: LinuxResources = {};
  const container = await openContainer(
    {
      ...options,
      effects: {
        ...options.effects,
        async update(record, config) {
          const { cgroup } = record;
          const { linux } = record.config;
          if (cgroup === undefined) throw new EffectError(`container ${id} has no cgroup`);
          await changeLimits(context.platform.local, cgroup, written, linux?.resources ?? {}, () =>
            connectSystemd(session, record),
          );
          return config;
        },
      },
    },
    'exclusive',
  );
  try {
    const { config } = container.record;
    const changed = changeResources(config.linux?.resources ?? {}, asked);
    written = changed.written;
    const changedConfig: Config = { ...config, linux: { ...config.linux, resources: changed.kept } };
    await checkConfig(changedConfig, { document: 'update' });
    succeed(context, await container.request({ type: 'update', config: changedConfig }));
  } finally {
    container.close();
  }
}
