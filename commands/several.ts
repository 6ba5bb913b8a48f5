/**
 * `--regex`: does something with each container whose name matches, as crun does. It imports nothing, so that the other
 * commands do not load their modules in more pieces (build/apart.ts).
 */

export interface Several {
  /** A regular expression of JavaScript, as the command line has it. */
  readonly pattern: string;
  /** The names of all containers. */
  readonly names: readonly string[];
  readonly act: (name: string) => Promise<void>;
  readonly warn: (message: string) => void;
}

/**
 * Goes on after a failure, which becomes a warning.
 * @returns the exit status: 1 if it failed for one of them
 * @throws Error of one line, if the pattern is none
 */
export async function forEachMatch({ pattern, names, act, warn }: Several): Promise<number> {
  const matching = matcher(pattern);
  let status = 0;
  for (const name of names) {
    if (!matching.test(name)) continue;
    try {
      await act(name);
    } catch (error) {
      warn(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      status = 1;
    }
  }
  return status;
}

function matcher(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw new Error(`invalid regular expression ${JSON.stringify(pattern)}`, { cause: error });
  }
}
