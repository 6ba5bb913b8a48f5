/** `update`: other limits for a container that is there. */

import { changeLimits } from '../../effects/cgroups/by-driver.ts';
import { EffectError } from '../../effects/error.ts';
import type { Config, Linux, LinuxResources } from '../../spec/types.ts';
import { checkConfig } from '../../spec/validate.ts';
import { succeed } from '../container/answers.ts';
import { openContainer } from '../container/container.ts';
import type { Context } from '../container/context.ts';
import { optionsFor, sessionFor } from '../container/open.ts';
import { connectSystemd } from '../container/systemd.ts';
import { changeResources } from './update-resources.ts';

/** @throws Error, of one line; the limits are as they were then */
export async function update(
  context: Context,
  id: string,
  asked: LinuxResources,
  schemas: AskedSchemas = {},
): Promise<void> {
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
          const { local } = context.platform;
          const change = () =>
            changeLimits(local, cgroup, written, linux?.resources ?? {}, () => connectSystemd(session, record));
          if (!isAsked(schemas)) await change();
          else {
            const { withSchemata } = await import('../../effects/resctrl/update.ts');
            await withSchemata(local, record, config.linux?.intelRdt ?? {}, change);
          }
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
    const changedConfig: Config = {
      ...config,
      linux: { ...config.linux, resources: changed.kept, ...(await changedSchemas(context, config, schemas)) },
    };
    await checkConfig(changedConfig, { document: 'update' });
    succeed(context, await container.request({ type: 'update', config: changedConfig }));
  } finally {
    container.close();
  }
}

interface AskedSchemas {
  readonly l3CacheSchema?: string | undefined;
  readonly memBwSchema?: string | undefined;
}

const isAsked = ({ l3CacheSchema, memBwSchema }: AskedSchemas): boolean => Boolean(l3CacheSchema || memBwSchema);

/** @throws EffectError in runc's words */
async function changedSchemas(
  { platform: { local } }: Context,
  { linux }: Config,
  schemas: AskedSchemas,
): Promise<Pick<Linux, 'intelRdt'>> {
  if (!isAsked(schemas)) return {};
  const { changedIntelRdt } = await import('../../effects/resctrl/update.ts');
  return { intelRdt: changedIntelRdt(local, linux?.intelRdt, schemas) };
}
