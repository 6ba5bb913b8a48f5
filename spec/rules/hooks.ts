import type { Config } from '../config/config.ts';
import type { HookName } from '../config/hooks.ts';
import type { Problem } from '../problem.ts';

// Named, since an unknown member of hooks is ignored and may hold anything.
const NAMES: readonly HookName[] = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
];

/** config.md, "POSIX-platform Hooks": the path is absolute, since hooks have no PATH to be looked up in. */
export function* hookProblems({ hooks = {} }: Config): Generator<Problem> {
  for (const name of NAMES) {
    for (const [index, hook] of (hooks[name] ?? []).entries()) {
      if (!hook.path.startsWith('/')) {
        yield { path: ['hooks', name, index, 'path'], reason: 'must be an absolute path' };
      }
    }
  }
}
