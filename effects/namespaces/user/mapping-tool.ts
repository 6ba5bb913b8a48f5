/** newuidmap(1) and newgidmap(1): with their privileges, a user maps what /etc/subuid and /etc/subgid grant. */

import { close, read } from '../../../native/calls/files.ts';
import { MFD } from '../../../native/constants/files.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../../native/kernel/perform.ts';
import { out } from '../../../native/kernel/struct.ts';
import { hasEnded, spawnProcess, takeEnding } from '../../../native/stage/program.ts';
import type { IDMapping } from '../../../spec/types.ts';
import { EffectError, reasonOf } from '../../error.ts';
import { findProgram } from '../../process/host-programs.ts';
import type { Session } from '../../session.ts';

/** @throws EffectError with what the tool said */
export async function mapByTool(
  { platform, environment }: Session,
  tool: 'newuidmap' | 'newgidmap',
  pid: number,
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
  // Not a pipe: nobody reads while it runs.
  const output = call(local, { name: 'memfd_create', args: [tool, MFD.CLOEXEC] });
  try {
    const options = { path, argv, env: environment, descriptors: [output, output, output], performer: tool };
    const { pid: child, pidfd } = spawnProcess(platform, options);
    await hasEnded(platform, pidfd);
    attempt(local, close(pidfd));
    const { how, status } = takeEnding(local, child);
    if (how !== 'exited' || status !== 0)
      throw new Error(`${how === 'exited' ? `exit status ${status}` : `signal ${status}`}: ${textOf(local, output)}`);
  } catch (error) {
    throw new EffectError(`map ids: ${argv.join(' ')}: ${reasonOf(error)}`, { cause: error });
  } finally {
    attempt(local, close(output));
  }
}

/** As one line. */
function textOf(local: Kernel, memfd: number): string {
  const text = out(1024);
  const [, length = 0] = perform(local, [{ name: 'lseek', args: [memfd, 0, 0] }, read(memfd, text)]);
  return new TextDecoder().decode(text.bytes.subarray(0, length)).trim().replaceAll('\n', '; ');
}
