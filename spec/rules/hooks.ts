import type { Config } from '../config/config.ts';
import type { HookName } from '../config/hooks.ts';
import type { Report } from '../problem.ts';

/** The known members, by name: an unknown member of hooks is ignored, and may hold anything. */
export const HOOK_NAMES = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const satisfies readonly HookName[];

/** config.md, "POSIX-platform Hooks": the path must be absolute, since no PATH is searched for hooks. */
export function checkHooks({ hooks = {} }: Config, report: Report): void {
  for (const name of HOOK_NAMES) {
    for (const [index, hook] of (hooks[name] ?? []).entries()) {
      if (!hook.path.startsWith('/')) {
        report(['hooks', name, index, 'path'], 'must be an absolute path');
      }
    }
  }
}
