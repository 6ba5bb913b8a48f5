/**
 * The bundles that containers are made from. Each is the plain one with one change. A change that makes a phase fail
 * names the effect of the lifecycle machine that fails by it: so the chart says what a runtime must make of it. Pure.
 */

import type { EffectTypes } from '../../machines/effect-types.ts';
import { defaultConfig } from '../../spec/default.ts';
import type { HookKind } from '../../spec/record.ts';
import { HOOK_NAMES } from '../../spec/rules/hooks.ts';
import type { Config, Hook, HookName, Hooks } from '../../spec/types.ts';

export const BUNDLES = [
  'plain',
  'hooks',
  'hooks-outside',
  'hooks-inside',
  'bad-cgroup',
  'bad-namespace',
  'bad-mount',
  'bad-prestart',
  'bad-createRuntime',
  'bad-createContainer',
  'bad-startContainer',
  'bad-poststart',
  'bad-poststop',
  'no-program',
] as const;
export type BundleName = (typeof BUNDLES)[number];

/** Where a bundle makes a runtime fail. */
export type Fault =
  | { readonly effect: Exclude<keyof EffectTypes, 'runHooks'> }
  | { readonly effect: 'runHooks'; readonly kind: HookKind };

const FAULTS: Readonly<Partial<Record<BundleName, Fault>>> = {
  'bad-cgroup': { effect: 'makeCgroup' },
  'bad-namespace': { effect: 'enterNamespaces' },
  'bad-mount': { effect: 'makeMounts' },
  'bad-prestart': { effect: 'runHooks', kind: 'createRuntime' },
  'bad-createRuntime': { effect: 'runHooks', kind: 'createRuntime' },
  'bad-createContainer': { effect: 'runHooks', kind: 'createContainer' },
  'bad-startContainer': { effect: 'startProcess' },
  'bad-poststart': { effect: 'runHooks', kind: 'poststart' },
  'bad-poststop': { effect: 'runHooks', kind: 'poststop' },
  // Whether there is such a program, a runtime may find out in `create`, or not before `start`.
  'no-program': { effect: 'prepareProcess' },
};

export const faultOf = (bundle: BundleName): Fault | undefined => FAULTS[bundle];

/** The hook that fails. */
export const failingHook = (bundle: BundleName): HookName | undefined =>
  HOOK_NAMES.find((name) => bundle === `bad-${name}`);

/** The hooks of a bundle: all; or those that run outside of the container alone, or those inside of it. */
export function hooksOf(bundle: BundleName): readonly HookName[] {
  if (bundle === 'hooks-inside') return ['createContainer', 'startContainer'];
  if (bundle === 'hooks-outside') return ['prestart', 'createRuntime', 'poststart', 'poststop'];
  return bundle === 'hooks' || failingHook(bundle) !== undefined ? HOOK_NAMES : [];
}

/** Where the things are that a config names. All paths are absolute. */
export interface Places {
  /** The directory that the container has at /conform. */
  readonly exchange: string;
  /** Directories of the host that the container's programs need, where there is no static shell. */
  readonly hostFolders: readonly string[];
  /** The container's cgroup, as config.json names it. */
  readonly cgroupsPath: string;
  readonly unifiedCgroups: boolean;
}

/** Where the container finds the directory of exchange. */
const INSIDE = '/conform';

/**
 * The container's program: it says that it runs, then waits until it is told to end, or gets SIGTERM. `wait` returns
 * for a signal that is trapped, and `read` would not.
 */
const PROGRAM = [
  "trap 'exit 0' TERM",
  `trap 'echo CONT >> ${INSIDE}/signals' CONT`,
  `head -n 1 ${INSIDE}/end > /dev/null & waited=$!`,
  `echo $$ > ${INSIDE}/started`,
  'while kill -0 $waited 2> /dev/null; do wait $waited; done',
].join('\n');

/** The config.json of a bundle. */
export function configOf(bundle: BundleName, places: Places): Config {
  const base = defaultConfig({ unifiedCgroups: places.unifiedCgroups });
  const args = bundle === 'no-program' ? [`${INSIDE}/missing`] : ['/bin/sh', '-c', PROGRAM];
  const mounts = [
    ...(base.mounts ?? []),
    { destination: INSIDE, type: 'bind', source: places.exchange, options: ['bind', 'rw'] },
    ...places.hostFolders.map((path) => ({
      destination: path,
      type: 'bind',
      source: path,
      options: ['rbind', 'ro', 'nosuid', 'nodev'],
    })),
    ...(bundle === 'bad-mount'
      ? [{ destination: '/missing', type: 'bind', source: `${places.exchange}/missing`, options: ['bind'] }]
      : []),
  ];
  return {
    ...base,
    // Older runtimes refuse a later version, though they know all that is used here.
    ociVersion: '1.0.2',
    process: { ...base.process, terminal: false, args },
    hostname: 'conform',
    mounts,
    ...(hooksOf(bundle).length > 0 && { hooks: hookPrograms(bundle, places) }),
    annotations: { 'org.runchart.conform': bundle },
    linux: linuxOf(bundle, places, base.linux),
  };
}

function linuxOf(bundle: BundleName, { cgroupsPath }: Places, base: Config['linux']): Config['linux'] {
  // Rules for devices need BPF on cgroup v2, which not every machine lets a runtime have.
  const { resources: _, namespaces = [], ...others } = base ?? {};
  return {
    ...others,
    cgroupsPath,
    // The kernel takes no period below a millisecond.
    ...(bundle === 'bad-cgroup' && { resources: { cpu: { period: 1, quota: 1 } } }),
    namespaces: namespaces.map((one) =>
      bundle === 'bad-namespace' && one.type === 'ipc' ? { ...one, path: '/proc/self/ns/missing' } : one,
    ),
  };
}

/** Every hook notes that it ran, and what it was told on standard input. */
function hookPrograms(bundle: BundleName, { exchange }: Places): Hooks {
  const hook = (name: HookName): readonly [HookName, Hook[]] => {
    // What is run in the container's own root finds the directory where the container has it.
    const folder = name === 'startContainer' ? INSIDE : exchange;
    const script = [`cat > ${folder}/state-${name}`, `echo ${name} >> ${folder}/hooks`];
    if (failingHook(bundle) === name) script.push('exit 3');
    return [name, [{ path: '/bin/sh', args: ['sh', '-c', script.join('\n')] }]];
  };
  return Object.fromEntries(hooksOf(bundle).map(hook));
}
