import * as z from 'zod';
import { namespaceTypeSchema } from './config/linux/namespaces.ts';
import {
  seccompActionSchema,
  seccompArchSchema,
  seccompFlagSchema,
  seccompOperatorSchema,
} from './config/linux/seccomp.ts';

const enabledSchema = z.object({ enabled: z.boolean().optional() });

/** features-linux.md. */
const linuxFeaturesSchema = z.object({
  namespaces: z.array(namespaceTypeSchema).optional(),
  capabilities: z.array(z.string().regex(/^CAP_[A-Z_]+$/)).optional(),
  cgroup: z
    .object({
      v1: z.boolean().optional(),
      v2: z.boolean().optional(),
      systemd: z.boolean().optional(),
      systemdUser: z.boolean().optional(),
      rdma: z.boolean().optional(),
    })
    .optional(),
  seccomp: z
    .object({
      enabled: z.boolean().optional(),
      actions: z.array(seccompActionSchema).optional(),
      operators: z.array(seccompOperatorSchema).optional(),
      archs: z.array(seccompArchSchema).optional(),
      knownFlags: z.array(seccompFlagSchema).optional(),
      supportedFlags: z.array(seccompFlagSchema).optional(),
    })
    .optional(),
  apparmor: enabledSchema.optional(),
  selinux: enabledSchema.optional(),
  intelRdt: z
    .object({
      enabled: z.boolean().optional(),
      schemata: z.boolean().optional(),
      monitoring: z.boolean().optional(),
    })
    .optional(),
  memoryPolicy: z.object({ modes: z.array(z.string()).optional(), flags: z.array(z.string()).optional() }).optional(),
  mountExtensions: z.object({ idmap: enabledSchema.optional() }).optional(),
  netDevices: enabledSchema.optional(),
});

/** What a runtime can do, as its `features` command prints it: features.md. */
export const featuresSchema = z.object({
  ociVersionMin: z.string(),
  ociVersionMax: z.string(),
  hooks: z.array(z.string()).optional(),
  mountOptions: z.array(z.string()).optional(),
  linux: linuxFeaturesSchema.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  potentiallyUnsafeConfigAnnotations: z.array(z.string()).optional(),
});

export type Features = z.infer<typeof featuresSchema>;
