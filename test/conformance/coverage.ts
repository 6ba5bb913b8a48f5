/** Tells which test shows each field of config.json. The sections are in `covered/`. */

import { CONFIG, SECTIONS } from './covered/config.ts';
import { LINUX } from './covered/linux.ts';
import { PROCESS } from './covered/process.ts';
import { RESOURCES } from './covered/resources.ts';
import { SCHEDULING } from './covered/scheduling.ts';
import { SECCOMP } from './covered/seccomp.ts';
import type { Coverage, Covered } from './registry.ts';

export const COVERED: Covered = { ...PROCESS, ...CONFIG, ...LINUX, ...RESOURCES, ...SECCOMP, ...SCHEDULING };

/** @returns what shows a field; undefined if nobody has said */
export function coverageOf(path: string): Coverage | undefined {
  const section = Object.keys(SECTIONS).find((one) => path.startsWith(`${one}.`));
  return COVERED[path] ?? (section === undefined ? undefined : SECTIONS[section]);
}
