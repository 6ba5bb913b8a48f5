import type { CommandClass } from './base.ts';

/** @returns `exec [FLAGS] CONTAINER-ID [COMMAND]` */
export function usageOf({ id, args }: CommandClass): string {
  const words = Object.entries(args).map(([name, { required }]) => (required ? name : `[${name}]`).toUpperCase());
  return [id, '[FLAGS]', ...words].join(' ');
}
