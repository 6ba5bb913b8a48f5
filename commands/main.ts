/** The entry point: gathers what this process finds around it, and hands it down. */

import { launchedStage } from '../runtime/host/host.ts';
import { dispatch } from './dispatch.ts';

const { env } = process;
if (env.RUNCHART_RESIDENT !== undefined) {
  const { serve } = await import('./resident.ts');
  await serve(env.RUNCHART_RESIDENT);
  process.exit();
}
// The launcher tells this engine about itself by these variables.
const limit = Number(env.RUNCHART_NOFILE);
const environmentFile = Number(env.RUNCHART_ENVIRONMENT);
const stage = launchedStage(env.RUNCHART_STAGE);

const status = await dispatch(process.argv.slice(2), {
  cwd: process.cwd(),
  env,
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
  pid: process.pid,
  ...(limit > 0 && { openFilesLimit: limit }),
  ...(!Number.isNaN(environmentFile) && { environmentFile }),
  ...(stage !== undefined && { stage }),
});
if (stage?.taken === false) {
  const { endStage } = await import('../runtime/host/launched-stage.ts');
  endStage(stage);
}
process.exit(status);
