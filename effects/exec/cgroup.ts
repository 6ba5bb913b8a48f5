/** Chooses the cgroup of a process of `exec`: the container's, or one below it (`--cgroup`). Pure. */

import type { CgroupRecord } from '../../spec/record.ts';
import { EffectError } from '../error.ts';

export interface ExecCgroup {
  readonly record: CgroupRecord;
  /** `--cgroup` names it, so no other will do. */
  readonly explicit: boolean;
}

/**
 * @param given values of `--cgroup`: one `path`, or on v1 several `controller[,controller…]:path`
 * @throws EffectError in runc's words
 */
export function execCgroup(record: CgroupRecord, given: readonly string[]): ExecCgroup {
  const paths = subPaths(given);
  const whole = paths.get('');
  if (record.layout === 'v2') {
    if (paths.size > 0 && whole === undefined)
      throw new EffectError(`invalid --cgroup argument: ${given[0]} (cgroup v2 has one path for all controllers)`);
    const base = record.paths.unified;
    if (whole === undefined || whole === '' || base === undefined) return { record, explicit: false };
    return { record: { ...record, paths: { unified: below(base, whole) } }, explicit: true };
  }
  for (const controller of paths.keys())
    if (controller !== '' && record.paths[controller] === undefined)
      throw new EffectError(`unknown controller ${controller} in SubCgroupPaths`);
  const moved = Object.entries(record.paths).map(([controller, base]): [string, string] => {
    // In the hybrid layout the v2 hierarchy has no controllers, and its tree need not have the same cgroups.
    const sub = controller === 'unified' ? undefined : (paths.get(controller) ?? whole);
    return [controller, sub === undefined ? base : below(base, sub)];
  });
  return { record: { ...record, paths: Object.fromEntries(moved) }, explicit: paths.size > 0 };
}

/** The paths by their controllers. The key of a path for all controllers is empty. */
function subPaths(given: readonly string[]): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const one of given) {
    const colon = one.indexOf(':');
    if (colon < 0) {
      if (given.length > 1) throw new EffectError(`invalid --cgroup argument: ${one} (missing <controller>: prefix)`);
      paths.set('', one);
      continue;
    }
    for (const controller of one.slice(0, colon).split(',')) {
      if (controller === '') throw new EffectError(`invalid --cgroup argument: ${one} (empty <controller> prefix)`);
      if (paths.has(controller))
        throw new EffectError(`invalid --cgroup argument(s): controller ${controller} specified multiple times`);
      paths.set(controller, one.slice(colon + 1));
    }
  }
  return paths;
}

function below(base: string, sub: string): string {
  const parts: string[] = [];
  for (const part of sub.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) throw new EffectError(`bad sub cgroup path: ${sub}`);
  }
  return [base, ...parts].join('/');
}
