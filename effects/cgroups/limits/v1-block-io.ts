/** Block IO limits of cgroup v1, in the blkio.* files. Each write is one line. Pure. */

import type { BlockIO } from '../../../spec/types.ts';
import { type Limit, majorMinor } from './limit.ts';
import { throttles } from './throttles.ts';

export function blockIOLimits(io: BlockIO): readonly Limit[] {
  const write = (file: string, value: string): Limit => ({ controller: 'blkio', file, value });
  // In Linux 5.0 the files of the BFQ scheduler replaced those of CFQ.
  const weight = (file: string, value: string): Limit => ({
    ...write(`blkio.${file}`, value),
    otherwise: { file: `blkio.bfq.${file}`, value },
  });
  return [
    ...(io.weight ? [weight('weight', String(io.weight))] : []),
    ...(io.leafWeight ? [write('blkio.leaf_weight', String(io.leafWeight))] : []),
    ...(io.weightDevice ?? []).flatMap((device) => [
      ...(device.weight ? [weight('weight_device', `${majorMinor(device)} ${device.weight}`)] : []),
      ...(device.leafWeight ? [write('blkio.leaf_weight_device', `${majorMinor(device)} ${device.leafWeight}`)] : []),
    ]),
    ...throttles(io).map(({ file, device, rate }) => write(`blkio.throttle.${file}_device`, `${device} ${rate}`)),
  ];
}
