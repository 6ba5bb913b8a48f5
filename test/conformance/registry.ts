/** Types and helpers to name a test, and what it shows of a field. */

export interface TestName {
  /** Its path below test/. */
  readonly file: string;
  /** The title of the test, or of a suite. */
  readonly title: string;
}

export type Coverage =
  | { readonly kind: 'tests'; readonly tests: readonly TestName[] }
  /** The field is accepted but has no effect, by the specification or as in runc. */
  | { readonly kind: 'without effect'; readonly reason: string; readonly tests: readonly TestName[] };

/** What covers a field, by its path as in configFields(). */
export type Covered = Readonly<Record<string, Coverage>>;

export const by = (...tests: readonly TestName[]): Coverage => ({ kind: 'tests', tests });

export const withoutEffect = (reason: string, ...tests: readonly TestName[]): Coverage => ({
  kind: 'without effect',
  reason,
  tests,
});

/**
 * Names tests of a file. After `const userns = testsIn('integration/userns.test.ts')`, write `userns('is joined …')`.
 */
export const testsIn =
  (file: string) =>
  (title: string): TestName => ({ file, title });

/** The same coverage for several fields below one: `under('process.user', ['uid', 'gid'], by(…))`. */
export const under = (path: string, names: readonly string[], coverage: Coverage): Covered =>
  Object.fromEntries(names.map((name) => [`${path}.${name}`, coverage]));
