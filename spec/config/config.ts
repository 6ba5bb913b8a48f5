import * as z from 'zod';
import { freebsdSchema } from './freebsd.ts';
import { hooksSchema } from './hooks.ts';
import { linuxSchema } from './linux/linux.ts';
import { mountSchema, rootSchema } from './mounts.ts';
import { processSchema } from './process.ts';

/**
 * config.json: OCI runtime-spec 1.3, config.md. Unknown fields are ignored, as the specification demands.
 *
 * The schemas of spec/ say only what JSON Schema can say (no transforms, defaults or refinements), since
 * build/validators.ts compiles them. spec/rules/ says the rest.
 */
export const configSchema = z.object({
  ociVersion: z.string(),
  process: processSchema.optional(),
  root: rootSchema.optional(),
  hostname: z.string().optional(),
  domainname: z.string().optional(),
  mounts: z.array(mountSchema).optional(),
  hooks: hooksSchema.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  linux: linuxSchema.optional(),
  freebsd: freebsdSchema.optional(),
});

export type Config = z.infer<typeof configSchema>;
