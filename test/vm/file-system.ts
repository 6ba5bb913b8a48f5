/** Makes a file system in a file from a folder, without a mount. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Nothing on it must survive a crash, so it has no journal and no checksums. */
const FEATURES = '^has_journal,^metadata_csum';

/**
 * @param size the size of the file system, as mke2fs reads it; the file is sparse
 * @throws Error with the output of mke2fs
 */
export async function makeFileSystem(folder: string, file: string, size: string): Promise<void> {
  const options = ['-q', '-F', '-t', 'ext4', '-m', '0', '-O', FEATURES, '-E', 'lazy_itable_init=1,nodiscard'];
  await promisify(execFile)('mke2fs', [...options, '-d', folder, file, size], {
    // An ordinary user's PATH may lack these folders.
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
}
