import * as z from 'zod';
import { uint32 } from '../integers.ts';

/** The `size` ids from `containerID` on are those from `hostID` on outside (user_namespaces(7)). */
export const idMappingSchema = z.object({ containerID: uint32, hostID: uint32, size: uint32 });

/** config.md, "Mounts". `uidMappings` and `gidMappings` make the mount id-mapped. */
export const mountSchema = z.object({
  destination: z.string(),
  type: z.string().optional(),
  source: z.string().optional(),
  options: z.array(z.string()).optional(),
  uidMappings: z.array(idMappingSchema).optional(),
  gidMappings: z.array(idMappingSchema).optional(),
});

/** The root file system. `path` is absolute, or relative to the bundle. */
export const rootSchema = z.object({ path: z.string(), readonly: z.boolean().optional() });

export type IDMapping = z.infer<typeof idMappingSchema>;
export type Mount = z.infer<typeof mountSchema>;
export type Root = z.infer<typeof rootSchema>;
