// A file name, since the container's directory is named so: NAME_MAX of Linux's filesystems.
const LONGEST = 255;

/** runc's message; engines know it. */
const INVALID = 'invalid container ID format';

/**
 * Refuses what is no container id: runc's rule (ASCII letters, digits, `_`, `+`, `-`, `.`; neither `.` nor `..`),
 * and at most 255 characters, where runc fails at making the directory.
 * @throws {Error} with runc's text, and the reason where the characters are fine
 */
export function checkContainerId(id: string): void {
  if (id === '') throw new Error('container id cannot be empty');
  if (!/^[A-Za-z0-9_+.-]+$/.test(id) || id === '.' || id === '..') throw new Error(INVALID);
  if (id.length > LONGEST) throw new Error(`${INVALID}: longer than ${LONGEST} characters`);
}
