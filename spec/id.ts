// The container's directory has the id as its name: this is NAME_MAX of Linux's file systems.
const LONGEST = 255;

/** runc's message, which engines match on. */
const INVALID = 'invalid container ID format';

/**
 * Refuses what is no container id. By runc's rule it has ASCII letters, digits, `_`, `+`, `-` and `.`, and is neither
 * `.` nor `..`. It may have 255 characters at most: with more, runc fails to make the directory.
 * @throws {Error} with runc's text, and the reason where the length is wrong
 */
export function checkContainerId(id: string): void {
  if (id === '') throw new Error('container id cannot be empty');
  if (!/^[A-Za-z0-9_+.-]+$/.test(id) || id === '.' || id === '..') throw new Error(INVALID);
  if (id.length > LONGEST) throw new Error(`${INVALID}: longer than ${LONGEST} characters`);
}
