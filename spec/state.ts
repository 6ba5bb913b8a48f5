import * as z from 'zod';

/** The specification's four, and `paused`, which the specification leaves room for and engines know from runc. */
export const statusSchema = z.enum(['creating', 'created', 'running', 'paused', 'stopped']);

/**
 * The state that hooks and seccomp agents are told: runtime.md, "State". `pid` is 0 or absent when there is no process.
 */
export const stateSchema = z.object({
  ociVersion: z.string(),
  id: z.string(),
  status: statusSchema,
  pid: z.int().min(0).optional(),
  bundle: z.string(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/**
 * What `state` and `list --format json` print, as runc does, in this order: the OCI state and more.
 * `created` is in RFC 3339 with nanoseconds, UTC; `owner` is the name of the state directory's owner, which only
 * `list` knows (empty in `state`).
 */
export const printedStateSchema = z.object({
  ociVersion: z.string(),
  id: z.string(),
  pid: z.int().min(0),
  status: statusSchema,
  bundle: z.string(),
  rootfs: z.string(),
  created: z.string(),
  annotations: z.record(z.string(), z.string()).optional(),
  owner: z.string(),
});

export type Status = z.infer<typeof statusSchema>;
export type State = z.infer<typeof stateSchema>;
export type PrintedState = z.infer<typeof printedStateSchema>;
