/**
 * Tells which branches of a module have run, by V8's own counters: so a fuzzer knows that an input does something new.
 */

import { type Profiler, Session } from 'node:inspector';

export interface Coverage {
  /** The branches that have run since somebody last asked, each with how often, roughly. */
  take(): readonly string[];
  end(): void;
}

/** @param files how the addresses of the modules end */
export function countBranches(files: readonly string[]): Coverage {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  return {
    take() {
      let taken: readonly Profiler.ScriptCoverage[] = [];
      session.post('Profiler.takePreciseCoverage', (_error, { result }) => {
        taken = result;
      });
      const ours = taken.filter(({ url }) => files.some((file) => url.endsWith(file)));
      return ours.flatMap(({ url, functions }) =>
        functions.flatMap(({ ranges }) =>
          ranges
            .filter(({ count }) => count > 0)
            .map(({ startOffset, endOffset, count }) => `${url}:${startOffset}-${endOffset} ${Math.clz32(count)}`),
        ),
      );
    },
    end() {
      session.post('Profiler.stopPreciseCoverage');
      session.disconnect();
    },
  };
}
