import type { Config } from '../config/config.ts';
import type { Report } from '../problem.ts';

// semver.org's own expression, without the names of its groups.
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$/;

/** config.md, "Specification version". Later 1.x are compatible: what they add and we don't know is ignored. */
export function checkVersion({ ociVersion }: Config, report: Report): void {
  const path = ['ociVersion'];
  const major = SEMVER.exec(ociVersion)?.[1];
  if (major === undefined) report(path, `must be a SemVer version, not ${JSON.stringify(ociVersion)}`);
  else if (major !== '1') report(path, `version ${ociVersion} is not supported, only 1.x is`);
}
