/** Rules of the device cgroup: those of config.json, and those that every container gets. Pure. */

import type { DeviceRule } from '../../../spec/types.ts';
import { CgroupError } from '../error.ts';

/** The bits of an access, as in uapi/linux/bpf.h (BPF_DEVCG_ACC_*). */
export const ACCESS = { MKNOD: 1, READ: 2, WRITE: 4 } as const;
export const ALL_ACCESS = ACCESS.MKNOD | ACCESS.READ | ACCESS.WRITE;

/** Any major or minor number. */
export const ANY = -1;

/** Devices of one type, and an access to them. `major` and `minor` may be ANY. */
export interface Match {
  readonly type: 'b' | 'c';
  readonly major: number;
  readonly minor: number;
  readonly access: number;
}

/** A rule as the kernel knows it. One of type `a` is about all devices and every access, whatever else it says. */
export type Rule = { readonly allow: boolean } & ({ readonly type: 'a' } | Match);

const allow = (type: 'b' | 'c', major: number, minor: number, access: number): Rule => ({
  allow: true,
  type,
  major,
  minor,
  access,
});

/**
 * runc adds these after the rules of every container, so that a config cannot take them away. Engines rely on it.
 * A container may make nodes of any device, and may use null, random, full, tty, zero, urandom, pts, ptmx and tun.
 */
const DEFAULT_RULES: readonly Rule[] = [
  allow('c', ANY, ANY, ACCESS.MKNOD),
  allow('b', ANY, ANY, ACCESS.MKNOD),
  allow('c', 1, 3, ALL_ACCESS),
  allow('c', 1, 8, ALL_ACCESS),
  allow('c', 1, 7, ALL_ACCESS),
  allow('c', 5, 0, ALL_ACCESS),
  allow('c', 1, 5, ALL_ACCESS),
  allow('c', 1, 9, ALL_ACCESS),
  allow('c', 136, ANY, ALL_ACCESS),
  allow('c', 5, 2, ALL_ACCESS),
  allow('c', 10, 200, ALL_ACCESS),
];

/**
 * The rules of a container, in order: those of `linux.resources.devices`, then the default ones.
 * @throws CgroupError that names the wrong rule by its index
 */
export const containerRules = (rules: readonly DeviceRule[] | undefined): readonly Rule[] => [
  ...(rules ?? []).map(ruleOf),
  ...DEFAULT_RULES,
];

const UINT32_MAX = 0xffff_ffff;

function ruleOf(rule: DeviceRule, index: number): Rule {
  const invalid = (what: string) => new CgroupError(`linux.resources.devices[${index}]: ${what}`);
  const { type = 'a', access = '' } = rule;
  if (access === '') throw invalid(`device access at ${index} field cannot be empty`);
  if (type === 'a' || type === '') return { allow: rule.allow, type: 'a' };
  if (type !== 'b' && type !== 'c') throw invalid(`invalid cgroup device type ${JSON.stringify(type)}`);
  const set = accessOf(access);
  if (set === 0) throw invalid(`invalid device permissions ${JSON.stringify(access)}`);
  const [major, minor] = [Number(rule.major ?? ANY), Number(rule.minor ?? ANY)];
  for (const [name, value] of Object.entries({ major, minor }))
    if (value < ANY || value > UINT32_MAX) throw invalid(`invalid ${name} ${value}`);
  return { allow: rule.allow, type, major, minor, access: set };
}

const LETTERS: readonly (readonly [letter: string, bit: number])[] = [
  ['r', ACCESS.READ],
  ['w', ACCESS.WRITE],
  ['m', ACCESS.MKNOD],
];

/**
 * The access that letters name. Other letters have no meaning, as with runc: engines pass on what users wrote, as
 * `rwa`.
 */
export const accessOf = (letters: string): number =>
  LETTERS.reduce((set, [letter, bit]) => (letters.includes(letter) ? set | bit : set), 0);

export const accessLetters = (set: number): string =>
  LETTERS.flatMap(([letter, bit]) => (set & bit ? [letter] : [])).join('');
