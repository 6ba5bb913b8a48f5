/** Which engine made a container, as the names of its annotations show. Pure. */

/** The first that fits. Podman and CRI-O share some names. */
const ENGINES: readonly (readonly [prefix: string, engine: string])[] = [
  ['io.podman.', 'podman'],
  ['io.kubernetes.cri-o.SandboxID', 'cri-o'],
  ['io.kubernetes.cri.', 'containerd'],
  ['io.containerd.', 'containerd'],
  ['nerdctl/', 'nerdctl'],
  ['com.docker.', 'docker'],
  ['io.container.manager', 'podman'],
];

export function engineOf(annotations: Readonly<Record<string, unknown>>): string | undefined {
  const names = Object.keys(annotations);
  return ENGINES.find(([prefix]) => names.some((name) => name.startsWith(prefix)))?.[1];
}
