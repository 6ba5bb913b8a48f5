/** Which test files are run by a resident server, and which of them it does not serve. */

/** These are a part of `npm test`; `npm run test:resident` runs all. */
export const SHORT: readonly string[] = [
  'test/integration/caller-pipes.test.ts',
  'test/integration/cli.test.ts',
  'test/integration/detached.test.ts',
  'test/integration/exec-flags.test.ts',
  'test/integration/hooks.test.ts',
  'test/integration/inherited-environment.test.ts',
];

/** Files of whose commands none is served, with the reason. */
export const UNSERVED: Readonly<Record<string, string>> = {};
