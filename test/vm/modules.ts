/** Kernel modules in the order in which they can be loaded without modprobe. */

/**
 * @param dependencies text of the kernel's modules.dep: `path: path…` a line, each of all that it needs
 * @param names of modules, without folder and extension; what is built in is not there, and needs nothing
 * @returns paths below the folder of modules.dep, what is needed first
 */
export function loadOrder(dependencies: string, names: readonly string[]): readonly string[] {
  const lines = dependencies.split('\n').filter((line) => line.includes(':'));
  const known = new Map(
    lines.map((line) => {
      const [path = '', needs = ''] = line.split(':');
      return [nameOf(path), [...needs.split(' ').filter(Boolean).toReversed(), path]];
    }),
  );
  return [...new Set(names.flatMap((name) => known.get(name) ?? []))];
}

/** Files say `virtio-rng.ko` or `virtio_rng.ko`, as it comes. */
const nameOf = (path: string): string =>
  path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/\.ko.*$/, '')
    .replaceAll('-', '_');
