/** How a test is named, and what it shows of a field. */

export interface TestName {
  /** Below test/. */
  readonly file: string;
  /** Its title, or that of a suite. */
  readonly title: string;
}

export type Coverage =
  | { readonly kind: 'tests'; readonly tests: readonly TestName[] }
  /** Accepted and without effect, by the specification or as with runc. */
  | { readonly kind: 'without effect'; readonly reason: string; readonly tests: readonly TestName[] };

/** Coverage by a field's path, as configFields() has it. */
export type Covered = Readonly<Record<string, Coverage>>;

export const by = (...tests: readonly TestName[]): Coverage => ({ kind: 'tests', tests });

export const withoutEffect = (reason: string, ...tests: readonly TestName[]): Coverage => ({
  kind: 'without effect',
  reason,
  tests,
});

/** Names tests of a file: `const userns = testsIn('integration/userns.test.ts')`, `userns('is joined …')`. */
export const testsIn =
  (file: string) =>
  (title: string): TestName => ({ file, title });

/** The same coverage for several fields below one: `under('process.user', ['uid', 'gid'], by(…))`. */
export const under = (path: string, names: readonly string[], coverage: Coverage): Covered =>
  Object.fromEntries(names.map((name) => [`${path}.${name}`, coverage]));
