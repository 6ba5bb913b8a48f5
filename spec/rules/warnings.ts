import type { Config } from '../config/config.ts';

/** What is accepted, but should be written otherwise: lines for the log, in runc's words. */
export function configWarnings({ mounts = [], linux = {} }: Config): string[] {
  const warnings: string[] = [];
  for (const { destination } of mounts) {
    if (destination.startsWith('/')) continue;
    const text = `mount destination ${JSON.stringify(destination)} is not absolute`;
    warnings.push(`${text}. Support for non-absolute mount destinations will be removed in a future release.`);
  }
  const { memory } = linux.resources ?? {};
  if (memory?.kernel !== undefined || memory?.kernelTCP !== undefined) {
    warnings.push('Kernel memory settings are ignored and will be removed');
  }
  if (linux.personality?.flags?.length) {
    warnings.push(`ignoring unsupported personality flags: ${JSON.stringify(linux.personality.flags)}`);
  }
  return warnings;
}
