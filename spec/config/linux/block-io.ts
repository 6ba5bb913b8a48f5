import * as z from 'zod';
import { int64, uint16, uint64 } from '../../integers.ts';

const weightDeviceSchema = z.object({
  major: int64,
  minor: int64,
  weight: uint16.optional(),
  leafWeight: uint16.optional(),
});

/** `rate` is in bytes or operations per second. */
export const throttleDeviceSchema = z.object({ major: int64, minor: int64, rate: uint64.optional() });

/** config-linux.md, "Block IO". */
export const blockIOSchema = z.object({
  weight: uint16.optional(),
  leafWeight: uint16.optional(),
  weightDevice: z.array(weightDeviceSchema).optional(),
  throttleReadBpsDevice: z.array(throttleDeviceSchema).optional(),
  throttleWriteBpsDevice: z.array(throttleDeviceSchema).optional(),
  throttleReadIOPSDevice: z.array(throttleDeviceSchema).optional(),
  throttleWriteIOPSDevice: z.array(throttleDeviceSchema).optional(),
});

export type ThrottleDevice = z.infer<typeof throttleDeviceSchema>;
export type BlockIO = z.infer<typeof blockIOSchema>;
