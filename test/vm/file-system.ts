/** A file system on a file, from a folder: no mount is needed for it. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Nothing on it has to survive: no journal, no checksums. */
const FEATURES = '^has_journal,^metadata_csum';

/**
 * @param size of the file system, in mke2fs's words; the file is sparse
 * @throws Error with what mke2fs said
 */
export async function makeFileSystem(folder: string, file: string, size: string): Promise<void> {
  const options = ['-q', '-F', '-t', 'ext4', '-m', '0', '-O', FEATURES, '-E', 'lazy_itable_init=1,nodiscard'];
  await promisify(execFile)('mke2fs', [...options, '-d', folder, file, size], {
    // An ordinary user's PATH may be without it.
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
}
