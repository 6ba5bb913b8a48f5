import * as z from 'zod';
import { int64, uint32 } from '../../integers.ts';

/**
 * A device node to make. Docker and Podman write Go's stat to `fileMode`, with the bits of the file's type, which runc
 * ignores. So it may be more than 0777, the limit of the JSON schema.
 */
export const deviceSchema = z.object({
  type: z.string().regex(/^[cbup]$/),
  path: z.string(),
  major: int64.optional(),
  minor: int64.optional(),
  fileMode: uint32.optional(),
  uid: uint32.optional(),
  gid: uint32.optional(),
});

/** A rule of the device cgroup. `major` and `minor` mean all when they are absent or -1, `type` when absent or `a`. */
export const deviceRuleSchema = z.object({
  allow: z.boolean(),
  type: z.string().optional(),
  major: int64.optional(),
  minor: int64.optional(),
  access: z.string().optional(),
});

/**
 * A network device that moves from the host to the container. The map's key is its name there, `name` the one inside.
 */
export const netDeviceSchema = z.object({ name: z.string().optional() });

export type Device = z.infer<typeof deviceSchema>;
export type DeviceRule = z.infer<typeof deviceRuleSchema>;
