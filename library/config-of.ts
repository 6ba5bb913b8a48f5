/** What a container is made from: a bundle, or a root file system and a few options. */

import { resolve } from 'node:path';
import { readConfig } from '../runtime/operations/create.ts';
import { buildConfig, environmentEntries, programArguments } from '../spec/builder/config.ts';
import type { ConfigOptions } from '../spec/builder/options.ts';
import { refuse } from '../spec/builder/refuse.ts';
import type { Config, Process } from '../spec/types.ts';
import { checkConfig } from '../spec/validate.ts';
import type { LibraryContext } from './context.ts';
import { factsFor } from './host.ts';

/** What the container's program is changed to, where the bundle's is not the one to run. */
export interface ProcessChanges {
  readonly args?: readonly string[];
  /** By name, or as `NAME=value`: added to the bundle's. */
  readonly env?: Readonly<Record<string, string>> | readonly string[];
  readonly cwd?: string;
  readonly user?: ConfigOptions['user'];
}

/** An OCI bundle: a directory with a config.json and a root file system. */
export interface BundleSource extends ProcessChanges {
  /** Path of the bundle. Relative paths in the config start from there. */
  readonly bundle: string;
  /** Used instead of the bundle's config.json. */
  readonly config?: Config;
  readonly rootfs?: never;
}

/** A root file system, and what the container is to be like. */
export interface RootfsSource extends ConfigOptions {
  /** Path of a directory. */
  readonly rootfs: string;
  readonly bundle?: never;
  readonly config?: never;
}

export type ContainerSource = BundleSource | RootfsSource;

/** What a container is made from, as the runtime wants it. */
export interface Planned {
  /** Absolute. */
  readonly bundle: string;
  /** Checked. */
  readonly config: Config;
}

/** @throws SpecError, EffectError */
export async function configOf(context: LibraryContext, source: ContainerSource): Promise<Planned> {
  if (source.rootfs !== undefined) {
    if (typeof source.rootfs !== 'string') refuse(['rootfs'], 'must be a path');
    const rootfs = resolve(source.rootfs);
    const built = buildConfig(rootfs, source, factsFor(context.platform.local));
    return { bundle: rootfs, config: await checkConfig(built) };
  }
  if (typeof source.bundle !== 'string') refuse(['bundle'], 'must be a path, unless there is a rootfs');
  const bundle = resolve(source.bundle);
  if (source.config === undefined) {
    const config = await readConfig(context.platform.local, bundle);
    return { bundle, config: changes(source) ? await checkConfig(changed(config, source)) : config };
  }
  return { bundle, config: await checkConfig(changed(source.config, source)) };
}

const changes = ({ args, env, cwd, user }: ProcessChanges): boolean =>
  args !== undefined || env !== undefined || cwd !== undefined || user !== undefined;

function changed(config: Config, given: ProcessChanges): Config {
  if (!changes(given)) return config;
  const { process = { cwd: '/' } } = config;
  const { args, env, cwd, user } = given;
  const own: Process = {
    ...process,
    ...(args === undefined ? {} : { args: programArguments(args) }),
    ...(env === undefined ? {} : { env: [...(process.env ?? []), ...environmentEntries(env)] }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(user === undefined ? {} : { user: { ...process.user, ...withGroups(user) } }),
  };
  return { ...config, process: own };
}

const withGroups = ({ uid, gid = uid, additionalGids = [] }: NonNullable<ProcessChanges['user']>) => ({
  uid,
  gid,
  additionalGids: [...additionalGids],
});
