/** `spec`: writes a config.json to start from. */

import { detectLayout } from '../../effects/cgroups/layout.ts';
import { doing } from '../../effects/error.ts';
import { openat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import { opened } from '../../native/kernel/owned.ts';
import { isErrno } from '../../native/kernel/perform.ts';
import { defaultConfig, rootlessConfig } from '../../spec/default.ts';
import type { Context } from '../container/context.ts';
import { writeAll } from '../host/output.ts';

const FILE = 'config.json';
const FILE_MODE = 0o666;

/** @throws Error of one line. Where there is a config.json already, the text is runc's */
export function writeDefaultConfig({ platform, host }: Context, directory: string, rootless: boolean): void {
  const { local } = platform;
  const unifiedCgroups = detectLayout(local).mode === 'v2';
  const config = rootless
    ? rootlessConfig({ unifiedCgroups, uid: host.uid, gid: host.gid })
    : defaultConfig({ unifiedCgroups });
  const path = `${directory}/${FILE}`;
  try {
    doing(`write ${path}`, () => {
      using file = opened(local, openat(AT.FDCWD, path, O.WRONLY | O.CREAT | O.EXCL, FILE_MODE));
      writeAll(local, file.fd, JSON.stringify(config, undefined, '\t'));
    });
  } catch (error) {
    if (error instanceof Error && isErrno(error.cause, 'EEXIST'))
      throw new Error(`File ${FILE} exists. Remove it first`, { cause: error });
    throw error;
  }
}
