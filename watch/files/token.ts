/** The token of the page's link. With `--token-file` it stays the same when the server is started again. */

import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';

const BYTES = 24;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

export const newToken = (): string => randomBytes(BYTES).toString('base64url');

/**
 * @param file absolute path; made where it is not there
 * @throws Error of one line where others may read it, or where it holds no token
 */
export function keptToken(file: string): string {
  try {
    const fd = openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      const token = newToken();
      writeSync(fd, `${token}\n`);
      return token;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw failure(file, error);
  }
  return readToken(file);
}

function readToken(file: string): string {
  let fd: number;
  try {
    fd = openSync(file, O_RDONLY | O_NOFOLLOW);
  } catch (error) {
    throw failure(file, error);
  }
  try {
    const { mode, uid, size } = fstatSync(fd);
    if (mode & 0o077) throw new Error(`the token file ${file} may be read by others: chmod 600 it`);
    if (uid !== process.geteuid?.()) throw new Error(`the token file ${file} belongs to another user`);
    const token = size > 200 ? '' : readFileSync(fd, 'utf8').trim();
    if (!/^[\w-]{16,}$/.test(token))
      throw new Error(`the token file ${file} holds no token: at least 16 letters, digits, _ or -`);
    return token;
  } finally {
    closeSync(fd);
  }
}

const failure = (file: string, cause: unknown): Error =>
  new Error(`the token file ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
