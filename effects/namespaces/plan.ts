/** The container's namespaces: which are made, and which are joined. */

import { CLONE } from '../../native/constants/process.ts';
import type { Config, Namespace, NamespaceType } from '../../spec/types.ts';

export const NAMESPACE_FLAGS: Readonly<Record<NamespaceType, number>> = {
  mount: CLONE.NEWNS,
  pid: CLONE.NEWPID,
  network: CLONE.NEWNET,
  uts: CLONE.NEWUTS,
  ipc: CLONE.NEWIPC,
  user: CLONE.NEWUSER,
  cgroup: CLONE.NEWCGROUP,
  time: CLONE.NEWTIME,
};

export const NAMESPACE_TYPES: readonly NamespaceType[] = [
  'mount',
  'pid',
  'network',
  'uts',
  'ipc',
  'user',
  'cgroup',
  'time',
];

export interface NamespacePlan {
  /** CLONE_NEW* flags for clone3(2). CLONE_NEWTIME is not among them: its clocks are set before anybody is in it. */
  readonly made: number;
  readonly makesTime: boolean;
  readonly joined: readonly { readonly type: NamespaceType; readonly path: string }[];
}

export function planNamespaces(config: Config): NamespacePlan {
  const namespaces = config.linux?.namespaces ?? [];
  return {
    made: namespaces.filter(isMade).reduce((flags, { type }) => flags | NAMESPACE_FLAGS[type], 0) & ~CLONE.NEWTIME,
    makesTime: makesNamespace(config, 'time'),
    joined: namespaces.flatMap(({ type, path }) => (path === undefined || path === '' ? [] : [{ type, path }])),
  };
}

/**
 * Which of them the stage may enter before it clones the init, while the command does something else. In a user
 * namespace, that one comes first: it owns the others.
 * @returns CLONE_NEW*; 0 where it is not worth while. It is for the network, which takes the kernel 0.4 ms
 */
export function namespacesAhead(config: Config): number {
  const { made } = planNamespaces(config);
  if (hasNamespace(config, 'user') || (made & CLONE.NEWNET) === 0) return 0;
  return made & (CLONE.NEWNET | CLONE.NEWIPC | CLONE.NEWUTS);
}

const isMade = ({ path }: Namespace): boolean => path === undefined || path === '';

/** Whether the config lists a namespace of that type: otherwise the container shares the host's. */
export const hasNamespace = (config: Config, type: NamespaceType): boolean =>
  (config.linux?.namespaces ?? []).some((namespace) => namespace.type === type);

/** Whether the container gets a new one. What is in a joined one belongs to somebody else. */
export const makesNamespace = (config: Config, type: NamespaceType): boolean =>
  (config.linux?.namespaces ?? []).some((namespace) => namespace.type === type && isMade(namespace));
