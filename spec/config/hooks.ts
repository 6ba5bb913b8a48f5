import * as z from 'zod';

/** A program that is run at a point of the lifecycle. `timeout` is in seconds. */
export const hookSchema = z.object({
  path: z.string(),
  args: z.array(z.string()).optional(),
  env: z.array(z.string()).optional(),
  timeout: z.int().min(1).optional(),
});

/**
 * config.md, "POSIX-platform Hooks", in the order of the lifecycle. `prestart` is deprecated, and runs before
 * createRuntime.
 */
export const hooksSchema = z.object({
  prestart: z.array(hookSchema).optional(),
  createRuntime: z.array(hookSchema).optional(),
  createContainer: z.array(hookSchema).optional(),
  startContainer: z.array(hookSchema).optional(),
  poststart: z.array(hookSchema).optional(),
  poststop: z.array(hookSchema).optional(),
});

export type Hook = z.infer<typeof hookSchema>;
export type Hooks = z.infer<typeof hooksSchema>;
export type HookName = keyof Hooks;
