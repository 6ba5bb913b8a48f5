/** The four kinds of throttles of block devices. Pure. */

import type { BlockIO } from '../../../spec/types.ts';
import { majorMinor } from './limit.ts';

const KINDS = [
  { field: 'throttleReadBpsDevice', file: 'read_bps', key: 'rbps' },
  { field: 'throttleWriteBpsDevice', file: 'write_bps', key: 'wbps' },
  { field: 'throttleReadIOPSDevice', file: 'read_iops', key: 'riops' },
  { field: 'throttleWriteIOPSDevice', file: 'write_iops', key: 'wiops' },
] as const;

interface Throttle {
  /** The middle of v1's file name: `read_bps`. */
  readonly file: string;
  /** v2's key in io.max: `rbps`. */
  readonly key: string;
  /** `major:minor`. */
  readonly device: string;
  /** Bytes or operations a second. */
  readonly rate: string;
}

export const throttles = (io: BlockIO): readonly Throttle[] =>
  KINDS.flatMap(({ field, file, key }) =>
    (io[field] ?? []).map((device) => ({ file, key, device: majorMinor(device), rate: String(device.rate ?? 0) })),
  );
