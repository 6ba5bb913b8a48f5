/**
 * newuidmap(1) and newgidmap(1): their privileges let a user map the ids that /etc/subuid and /etc/subgid grant him.
 */

import { dataFile, readDataFile } from '../../../native/calls/data-file.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../../native/kernel/numbers.ts';
import { Owned } from '../../../native/kernel/owned.ts';
import { hasEnded, spawnProcess, takeEnding } from '../../../native/stage/program.ts';
import type { IDMapping } from '../../../spec/types.ts';
import { EffectError, reasonOf } from '../../error.ts';
import { findProgram } from '../../process/host-programs.ts';
import type { Session } from '../../session.ts';

/** @throws EffectError with what the tool said */
export async function mapByTool(
  { platform, environment }: Session,
  tool: 'newuidmap' | 'newgidmap',
  pid: Pid,
  mappings: readonly IDMapping[],
): Promise<void> {
  const { local } = platform;
  const path = findProgram(local, environment, tool);
  if (path === undefined)
    throw new EffectError(
      `map ids by ${tool}: it is not in $PATH: install it (package uidmap), or map your own id only`,
    );
  const argv = [
    tool,
    String(pid),
    ...mappings.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size].map(String)),
  ];
  // It is no pipe: nobody reads while the tool runs.
  using output = new Owned(local, dataFile(local, tool));
  try {
    const descriptors = [output.fd, output.fd, output.fd];
    const child = spawnProcess(platform, { path, argv, env: environment, descriptors, performer: tool });
    using pidfd = new Owned(local, child.pidfd);
    await hasEnded(platform, pidfd.fd);
    const { how, status } = takeEnding(local, child.pid);
    if (how !== 'exited' || status !== 0)
      throw new Error(
        `${how === 'exited' ? `exit status ${status}` : `signal ${status}`}: ${saidIn(local, output.fd)}`,
      );
  } catch (error) {
    throw new EffectError(`map ids: ${argv.join(' ')}: ${reasonOf(error)}`, { cause: error });
  }
}

/** A tool says less than this, in bytes. */
const MOST_SAID = 1024;

/** What the tool said, as one line. */
const saidIn = (local: Kernel, output: Fd): string =>
  new TextDecoder()
    .decode(readDataFile(local, output, MOST_SAID))
    .trim()
    .replaceAll('\n', '; ');
