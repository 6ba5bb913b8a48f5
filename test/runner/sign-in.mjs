/**
 * This is preloaded into each test process, and notes its pid. The pids tell the runner which containers and cgroups
 * (`runchart-test-PID-…`) are of its own run, and not of another one on the machine. It is plain JavaScript, since a
 * test may start the machine's own, older Node, which loads it too.
 */
import { appendFileSync } from 'node:fs';

const file = process.env.RUNCHART_TEST_PIDS;
if (file !== undefined) {
  try {
    appendFileSync(file, `${process.pid}\n`);
  } catch (error) {
    // A test may try something as another user.
    if (error.code !== 'EACCES') throw error;
  }
}
