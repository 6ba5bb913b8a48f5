import type { Config } from '../config/config.ts';
import type { Problem } from '../problem.ts';

// semver.org's own expression, without the names of its groups.
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$/;

/** config.md, "Specification version". Later 1.x are compatible: what they add and we don't know is ignored. */
export function* versionProblems({ ociVersion }: Config): Generator<Problem> {
  const path = ['ociVersion'];
  const major = SEMVER.exec(ociVersion)?.[1];
  if (major === undefined) yield { path, reason: `must be a SemVer version, not ${JSON.stringify(ociVersion)}` };
  else if (major !== '1') yield { path, reason: `version ${ociVersion} is not supported, only 1.x is` };
}
