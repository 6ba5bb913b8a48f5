import type { Config } from '../config/config.ts';
import type { Report } from '../problem.ts';

// The expression that semver.org suggests. Its group is the major version.
const NUMBER = '(?:0|[1-9]\\d*)';
const PRERELEASE = `(?:${NUMBER}|\\d*[a-zA-Z-][0-9a-zA-Z-]*)`;
const BUILD = '[0-9a-zA-Z-]+';
const SEMVER = new RegExp(
  `^(${NUMBER})\\.${NUMBER}\\.${NUMBER}(?:-${PRERELEASE}(?:\\.${PRERELEASE})*)?(?:\\+${BUILD}(?:\\.${BUILD})*)?$`,
);

/** config.md, "Specification version". Later 1.x are compatible: what they add is ignored. */
export function checkVersion({ ociVersion }: Config, report: Report): void {
  const path = ['ociVersion'];
  const major = SEMVER.exec(ociVersion)?.[1];
  if (major === undefined) report(path, `must be a SemVer version, not ${JSON.stringify(ociVersion)}`);
  else if (major !== '1') report(path, `version ${ociVersion} is not supported, only 1.x is`);
}
