/**
 * Preloaded into each test process: notes its pid, by which the runner knows the run's own containers and cgroups
 * (`runchart-test-PID-…`) from those of another run on the machine. Plain JavaScript, since the machine's own, older
 * Node gets it too where a test starts that.
 */
import { appendFileSync } from 'node:fs';

const file = process.env.RUNCHART_TEST_PIDS;
if (file !== undefined) {
  try {
    appendFileSync(file, `${process.pid}\n`);
  } catch (error) {
    // A test that tries something as another user.
    if (error.code !== 'EACCES') throw error;
  }
}
