/** The shares of caches and memory bandwidth that a group may use: config-linux.md, "IntelRdt". Pure. */

import type { IntelRdt } from '../../spec/types.ts';

/**
 * The text for a group's `schemata`, in the order that the specification demands; empty where there is none to write.
 */
export const schemataText = ({ l3CacheSchema = '', memBwSchema = '', schemata = [] }: IntelRdt): string =>
  [l3CacheSchema, memBwSchema, ...schemata]
    .filter((line) => line !== '')
    .map((line) => `${line}\n`)
    .join('');

/**
 * The lines that are asked for and differ from those of a group that exists. The kernel shows a line for each resource
 * with all its domains, with or without leading zeros. So this compares the values of the domains that are asked for.
 * @param existing the text of its `schemata`
 */
export function conflicts(existing: string, { l3CacheSchema = '', memBwSchema = '' }: IntelRdt): string[] {
  const there = new Map(existing.split('\n').flatMap(domainsOf));
  return [l3CacheSchema, memBwSchema]
    .flatMap((schema) => schema.split('\n'))
    .filter((line) => domainsOf(line).some(([domain, value]) => there.get(domain) !== value));
}

/** Parses `L3:0=0ff;1=f` into `L3:0` → 255, `L3:1` → 15. Masks are hexadecimal, and bandwidths are decimal. */
function domainsOf(line: string): (readonly [domain: string, value: number])[] {
  const [, resource = '', domains = ''] = /^\s*([^:\s]+)\s*:(.*)$/.exec(line) ?? [];
  const base = /^(MB|SMBA)/.test(resource) ? 10 : 16;
  return domains
    .split(';')
    .filter((one) => one.trim() !== '')
    .map((one) => {
      const [id = '', value = ''] = one.split('=');
      return [`${resource}:${Number(id)}`, Number.parseInt(value, base)] as const;
    });
}
