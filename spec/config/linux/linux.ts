import * as z from 'zod';
import { idMappingSchema } from '../mounts.ts';
import { deviceSchema, netDeviceSchema } from './devices.ts';
import { namespaceSchema, timeOffsetsSchema } from './namespaces.ts';
import { resourcesSchema } from './resources.ts';
import { seccompSchema } from './seccomp.ts';
import { intelRdtSchema, memoryPolicySchema, personalitySchema } from './tuning.ts';

/** The recursive forms are not in the specification, but engines write them and runc takes them. */
const rootfsPropagationSchema = z.enum([
  'private',
  'shared',
  'slave',
  'unbindable',
  'rprivate',
  'rshared',
  'rslave',
  'runbindable',
  // Empty means none, as for runc.
  '',
]);

/** config-linux.md. */
export const linuxSchema = z.object({
  uidMappings: z.array(idMappingSchema).optional(),
  gidMappings: z.array(idMappingSchema).optional(),
  sysctl: z.record(z.string(), z.string()).optional(),
  resources: resourcesSchema.optional(),
  cgroupsPath: z.string().optional(),
  namespaces: z.array(namespaceSchema).optional(),
  devices: z.array(deviceSchema).optional(),
  netDevices: z.record(z.string(), netDeviceSchema).optional(),
  seccomp: seccompSchema.optional(),
  rootfsPropagation: rootfsPropagationSchema.optional(),
  maskedPaths: z.array(z.string()).optional(),
  readonlyPaths: z.array(z.string()).optional(),
  mountLabel: z.string().optional(),
  intelRdt: intelRdtSchema.optional(),
  memoryPolicy: memoryPolicySchema.optional(),
  personality: personalitySchema.optional(),
  timeOffsets: timeOffsetsSchema.optional(),
});

export type Linux = z.infer<typeof linuxSchema>;
