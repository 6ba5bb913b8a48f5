/** `spec`: a config.json to start from. */

import { detectLayout } from '../../effects/cgroups/layout.ts';
import { close, openat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import { attempt, call, isErrno, SyscallError } from '../../native/kernel/perform.ts';
import { defaultConfig, rootlessConfig } from '../../spec/default.ts';
import type { Context } from '../container/context.ts';
import { writeAll } from '../host/output.ts';

const FILE = 'config.json';
const FILE_MODE = 0o666;

/** @throws Error, of one line: with runc's text where there is one already */
export function writeDefaultConfig({ platform, host }: Context, directory: string, rootless: boolean): void {
  const { local } = platform;
  const unifiedCgroups = detectLayout(local).mode === 'v2';
  const config = rootless
    ? rootlessConfig({ unifiedCgroups, uid: host.uid, gid: host.gid })
    : defaultConfig({ unifiedCgroups });
  try {
    const fd = call(local, openat(AT.FDCWD, `${directory}/${FILE}`, O.WRONLY | O.CREAT | O.EXCL, FILE_MODE));
    try {
      writeAll(local, fd, JSON.stringify(config, undefined, '\t'));
    } finally {
      attempt(local, close(fd));
    }
  } catch (error) {
    if (isErrno(error, 'EEXIST')) throw new Error(`File ${FILE} exists. Remove it first`, { cause: error });
    if (!(error instanceof SyscallError)) throw error;
    const reason = error.message.slice(error.call.name.length + 2);
    throw new Error(`write ${directory}/${FILE}: ${reason}`, { cause: error });
  }
}
