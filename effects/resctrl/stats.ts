/** Statistics of a resctrl group for `events`, in runc's shape (runc: types/events.go). */

import { subdirectories } from '../../native/calls/directory-entries.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { ResctrlRecord } from '../../spec/record.ts';
import type { Wide } from '../../spec/types.ts';
import { doing, EffectError } from '../error.ts';
import { isThere, readTrimmed } from './files.ts';

export interface ResctrlStats {
  readonly l3_cache_info?: { readonly cbm_mask: string; readonly min_cbm_bits: Wide; readonly num_closids: Wide };
  readonly l3_cache_schema_root?: string;
  readonly l3_cache_schema?: string;
  readonly mem_bw_info?: {
    readonly bandwidth_gran: Wide;
    readonly delay_linear: Wide;
    readonly min_bandwidth: Wide;
    readonly num_closids: Wide;
  };
  readonly mem_bw_schema_root?: string;
  readonly mem_bw_schema?: string;
  readonly schemata?: readonly string[];
  /** One entry for each domain, in bytes. */
  readonly mbm_stats?: readonly { readonly mbm_total_bytes: Wide; readonly mbm_local_bytes: Wide }[];
  readonly cmt_stats?: readonly { readonly llc_occupancy: Wide }[];
}

/** Reads the group's statistics. @throws EffectError where a file that should be there cannot be read */
export function resctrlStats(local: Kernel, { root, path, monitor }: ResctrlRecord): ResctrlStats {
  const text = (file: string): string => doing(`read ${file}`, () => readTrimmed(local, file));
  const number = (file: string): Wide => numberOf(text(file), file);
  const common = text(`${root}/schemata`).split('\n');
  const own = text(`${path}/schemata`).split('\n');
  const has = (resource: string): boolean => isThere(local, `${root}/info/${resource}`);
  const [l3, mb] = [`${root}/info/L3`, `${root}/info/MB`];
  const features = has('L3_MON') ? text(`${root}/info/L3_MON/mon_features`).split('\n') : [];
  const counts = (feature: string): boolean => features.includes(feature);
  const domains = features.length > 0 ? subdirectories(local, `${monitor ?? path}/mon_data`).toSorted() : [];
  const count = (domain: string, feature: string): Wide =>
    counts(feature) ? number(`${monitor ?? path}/mon_data/${domain}/${feature}`) : 0;
  return {
    ...(has('L3') && {
      l3_cache_info: {
        cbm_mask: text(`${l3}/cbm_mask`),
        min_cbm_bits: number(`${l3}/min_cbm_bits`),
        num_closids: number(`${l3}/num_closids`),
      },
      ...schema('l3_cache_schema_root', common, 'L3'),
      ...schema('l3_cache_schema', own, 'L3'),
    }),
    ...(has('MB') && {
      mem_bw_info: {
        bandwidth_gran: number(`${mb}/bandwidth_gran`),
        delay_linear: number(`${mb}/delay_linear`),
        min_bandwidth: number(`${mb}/min_bandwidth`),
        num_closids: number(`${mb}/num_closids`),
      },
      ...schema('mem_bw_schema_root', common, 'MB'),
      ...schema('mem_bw_schema', own, 'MB'),
    }),
    schemata: own,
    ...((counts('mbm_total_bytes') || counts('mbm_local_bytes')) && {
      mbm_stats: domains.map((domain) => ({
        mbm_total_bytes: count(domain, 'mbm_total_bytes'),
        mbm_local_bytes: count(domain, 'mbm_local_bytes'),
      })),
    }),
    ...(counts('llc_occupancy') && {
      cmt_stats: domains.map((domain) => ({ llc_occupancy: count(domain, 'llc_occupancy') })),
    }),
  };
}

function schema<Name extends string>(name: Name, lines: readonly string[], resource: string): { [N in Name]?: string } {
  const line = lines.findLast((one) => one.includes(resource))?.trim();
  const found: { [N in Name]?: string } = {};
  if (line !== undefined) found[name] = line;
  return found;
}

/**
 * A counter, which may be larger than a number can hold.
 * @throws EffectError where the kernel says `Unavailable` or `Error`
 */
function numberOf(text: string, file: string): Wide {
  if (!/^\d+$/.test(text)) throw new EffectError(`read ${file}: ${JSON.stringify(text)} is not a number`);
  const value = BigInt(text);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? value : Number(value);
}
