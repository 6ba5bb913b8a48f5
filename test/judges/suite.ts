/** What a judge is: a suite of tests that somebody else wrote for runtimes. */

/** Where a suite runs with one runtime. */
export interface Room {
  /** A folder for all that the run writes. */
  readonly folder: string;
  /** A copy of the checkout, in which the suite may write. */
  readonly checkout: string;
  /** The path of the runtime. */
  readonly runtime: string;
  /** Whether that is ours, and not the peer. */
  readonly ours: boolean;
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whether its containers need a terminal: it gets one, as its controlling terminal. */
  readonly terminal?: boolean;
}

export interface Suite {
  readonly about: string;
  /** Programs that it calls, and the Debian package of each. */
  readonly programs: Readonly<Record<string, string>>;
  /** Files that the checkout must have, as paths below it, and what makes them there. */
  readonly built: Readonly<Record<string, string>>;
  /** Where the peer is looked for: paths below the checkout, or names that are looked for in PATH. */
  readonly peers: readonly string[];
  /** Names of cgroups that the tests may leave. */
  readonly cgroups: readonly RegExp[];
  /** @returns the test files, as paths below the checkout */
  files(checkout: string): string[];
  /** @returns what runs one of them, and what ends with the run */
  open(room: Room): { command(file: string): Command; close(): void };
}
