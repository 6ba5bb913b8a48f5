/** Which engine made a container, as the names of its annotations show. Pure. */

const ENGINES: readonly (readonly [prefix: string, engine: string])[] = [
  ['io.kubernetes.cri-o.', 'cri-o'],
  ['io.kubernetes.cri.', 'containerd'],
  ['io.containerd.', 'containerd'],
  ['nerdctl/', 'nerdctl'],
  ['io.podman.', 'podman'],
  ['io.container.manager', 'podman'],
  ['com.docker.', 'docker'],
  ['run.oci.keep_original_groups', 'buildah'],
];

export function engineOf(annotations: Readonly<Record<string, unknown>>): string | undefined {
  const names = Object.keys(annotations);
  return ENGINES.find(([prefix]) => names.some((name) => name.startsWith(prefix)))?.[1];
}
