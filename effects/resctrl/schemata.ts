/** What a group may have of caches and memory bandwidth: config-linux.md, "IntelRdt". Pure. */

import type { IntelRdt } from '../../spec/types.ts';

/** What is written to a group's `schemata`; empty where nothing is to be. In the order that the specification demands. */
export const schemataText = ({ l3CacheSchema = '', memBwSchema = '', schemata = [] }: IntelRdt): string =>
  [l3CacheSchema, memBwSchema, ...schemata]
    .filter((line) => line !== '')
    .map((line) => `${line}\n`)
    .join('');

/**
 * The lines that the group, which is there already, has otherwise. The kernel shows a line for each resource with all its domains, with
 * leading zeros or without: so each domain that is asked for is compared, by value.
 * @param existing the text of its `schemata`
 */
export function conflicts(existing: string, { l3CacheSchema = '', memBwSchema = '' }: IntelRdt): string[] {
  const there = new Map(existing.split('\n').flatMap(domainsOf));
  return [l3CacheSchema, memBwSchema]
    .flatMap((schema) => schema.split('\n'))
    .filter((line) => domainsOf(line).some(([domain, value]) => there.get(domain) !== value));
}

/** `L3:0=0ff;1=f` as `L3:0` → 255, `L3:1` → 15. Masks are hexadecimal, bandwidths decimal. */
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
