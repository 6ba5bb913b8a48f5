/** The configs of the containers that are measured. They are such that every runtime here takes them. */

import type { Config } from '../spec/types.ts';
import { shellConfig } from '../test/integration/bundle.ts';
import { dockersProfile } from './profile.ts';

/**
 * runc's default config, in a version that Debian's crun knows. On cgroup v2 it has no device rules, since crun needs
 * CAP_SYS_RESOURCE for them.
 */
export function plainConfig(unified: boolean, args: string[] = ['true']): Config {
  const { process, linux, ...config } = shellConfig('');
  const { resources, ...rest } = linux ?? {};
  return {
    ...config,
    ociVersion: '1.0.2',
    process: { ...process, args },
    linux: unified ? rest : { ...rest, resources: resources ?? {} },
  };
}

/**
 * What docker asks for with `--memory 256m --cpus 1 --pids-limit 100`, and its default seccomp profile. On cgroup v2 it
 * has no limits: the bench's own view of cgroup v2 may lack the controllers.
 */
export function restrictedConfig(unified: boolean): Config {
  const { linux = {}, ...config } = plainConfig(unified);
  const seccomp = dockersProfile();
  if (seccomp === undefined) console.log("docker's default seccomp profile is not installed: without it");
  const limits = {
    memory: { limit: 256 << 20 },
    cpu: { shares: 1024, quota: 100_000, period: 100_000 },
    pids: { limit: 100 },
  };
  return {
    ...config,
    linux: {
      ...linux,
      ...(seccomp === undefined ? {} : { seccomp }),
      ...(unified ? {} : { resources: { ...linux.resources, ...limits } }),
    },
  };
}
