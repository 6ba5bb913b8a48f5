/**
 * The global flags that take a value. They are listed here because oclif is not loaded yet; a test compares them with
 * globals.ts.
 */
export const GLOBALS_WITH_VALUE: ReadonlySet<string> = new Set([
  'root',
  'log',
  'log-format',
  'rootless',
  'criu',
  'trace',
]);
