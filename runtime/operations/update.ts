/** `update`: changes the limits of a container. */

import type { Config, Linux, LinuxResources } from '../../spec/types.ts';
import { checkConfig } from '../../spec/validate.ts';
import { succeed } from '../container/answers.ts';
import type { Context } from '../container/context.ts';
import { openExisting } from '../container/open.ts';
import { changeResources } from './update-resources.ts';

/** @throws Error of one line. Then the limits are as they were */
export async function update(
  context: Context,
  id: string,
  asked: LinuxResources,
  schemas: AskedSchemas = {},
): Promise<void> {
  using container = await openExisting(context, id, 'update');
  const { config } = container.record;
  const { written, kept } = changeResources(config.linux?.resources ?? {}, asked);
  const changedConfig: Config = {
    ...config,
    linux: { ...config.linux, resources: kept, ...(await changedSchemas(context, config, schemas)) },
  };
  await checkConfig(changedConfig, { document: 'update' });
  const request = { config: changedConfig, resources: written, schemata: isAsked(schemas) };
  succeed(context, await container.request({ type: 'update', ...request }));
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
