import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

// It is beside the checkout, or one folder further up where the checkout is one of several worktrees.
const PLACES = [join(ROOT, '../shared/oci'), join(ROOT, '../../shared/oci')];

/** The folder of the specification's JSON schemas and test vectors. They are not ours to commit. */
export const OCI_FOLDER = process.env.RUNCHART_OCI_SCHEMAS ?? PLACES.find((place) => existsSync(place));

/** For a test's `skip`: false where the folder is there, else what is missing. */
export const WITHOUT_OCI = OCI_FOLDER
  ? false
  : `the OCI JSON schemas are missing: put them into ${PLACES[0]} or name their folder in RUNCHART_OCI_SCHEMAS`;
