/** Puts kernel modules in an order in which they can be loaded without modprobe. */

/**
 * @param dependencies the text of the kernel's modules.dep: lines of `path: path…`, each with all that the first one
 * needs
 * @param names names of modules, without folder and extension. What is built into the kernel is not in the text, and
 * needs nothing.
 * @returns paths below the folder of modules.dep; what is needed comes first
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

/** A file may be named `virtio-rng.ko` or `virtio_rng.ko`. */
const nameOf = (path: string): string =>
  path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/\.ko.*$/, '')
    .replaceAll('-', '_');
