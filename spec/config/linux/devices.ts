import * as z from 'zod';
import { int64, uint32 } from '../../integers.ts';

/**
 * A device node to make. `fileMode` holds the file type's bits too when an engine wrote it from Go's
 * stat (Docker and Podman do; runc masks them), so it may pass 0777, where the JSON schema ends.
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

/** A rule of the device cgroup. Absent or -1, `major` and `minor` stand for all; absent or `a`, so does `type`. */
export const deviceRuleSchema = z.object({
  allow: z.boolean(),
  type: z.string().optional(),
  major: int64.optional(),
  minor: int64.optional(),
  access: z.string().optional(),
});

/** A network device of the host to move into the container; the map's key is its name there, `name` the one inside. */
export const netDeviceSchema = z.object({ name: z.string().optional() });

export type Device = z.infer<typeof deviceSchema>;
export type DeviceRule = z.infer<typeof deviceRuleSchema>;
