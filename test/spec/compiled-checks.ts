import { validatorsModule } from '../../build/validators.ts';
import type { Checks } from '../../spec/types.ts';

/** The compiled validators as the build makes them, but not in a file. (Bun cannot import `data:` modules.) */
export function compileChecks(): Checks {
  const script = validatorsModule().replace(/^export const /gm, 'const ');
  return new Function(`${script}\nreturn compiled;`)();
}
