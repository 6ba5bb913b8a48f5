import type { Config } from '../config/config.ts';
import type { Capabilities } from '../types.ts';

/** What is accepted though it should not be written so, in runc's words, one line each: for the log. */
export function configWarnings({ mounts = [], linux = {}, process }: Config): string[] {
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
  warnings.push(...ambientWarnings(process?.capabilities));
  return warnings;
}

/** The kernel refuses ambient capabilities that are not permitted and inheritable: capabilities(7). */
export function ambientWarnings({ ambient = [], permitted = [], inheritable = [] }: Capabilities = {}): string[] {
  return ambient
    .filter((name) => !permitted.includes(name) || !inheritable.includes(name))
    .map((name) => `can't raise ambient capability ${name}: operation not permitted`);
}
