import * as z from 'zod';
import { uint8 } from '../integers.ts';

const sharingMode = z.enum(['disable', 'new', 'inherit']);
const sharingModeNoDisable = z.enum(['new', 'inherit']);

/**
 * config-freebsd.md. runchart does nothing with it. The sections of other platforms are not even looked at; this one is
 * checked, because the specification's own test vectors expect that.
 */
export const freebsdSchema = z.object({
  devices: z.array(z.object({ path: z.string().optional(), mode: z.int().min(0).max(0o777).optional() })).optional(),
  jail: z
    .object({
      parent: z.string().optional(),
      host: sharingModeNoDisable.optional(),
      ip4: sharingMode.optional(),
      ip4Addr: z.array(z.string()).optional(),
      ip6: sharingMode.optional(),
      ip6Addr: z.array(z.string()).optional(),
      vnet: sharingModeNoDisable.optional(),
      interface: z.string().optional(),
      vnetInterfaces: z.array(z.string()).optional(),
      sysvmsg: sharingMode.optional(),
      sysvsem: sharingMode.optional(),
      sysvshm: sharingMode.optional(),
      enforceStatfs: uint8.optional(),
      allow: z
        .object({
          setHostname: z.boolean().optional(),
          rawSockets: z.boolean().optional(),
          chflags: z.boolean().optional(),
          mount: z.array(z.string()).optional(),
          quotas: z.boolean().optional(),
          socketAf: z.boolean().optional(),
          mlock: z.boolean().optional(),
          reservedPorts: z.boolean().optional(),
          suser: z.boolean().optional(),
        })
        .optional(),
    })
    .optional(),
});
