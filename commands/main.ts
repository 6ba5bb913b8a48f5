/** The entry: gathers what this process finds around it, and hands it down. */

import { launchedStage } from '../runtime/host/host.ts';
import { dispatch } from './dispatch.ts';

const { env } = process;
const limit = Number(env.RUNCHART_NOFILE);
const stage = launchedStage(env.RUNCHART_STAGE);
// The launcher's word to this engine, none of what hooks inherit.
const LAUNCHERS = [
  'RUNCHART_NOFILE',
  'RUNCHART_STAGE',
  'BUN_JSC_useJIT',
  'BUN_ENABLE_CRASH_REPORTING',
  'MIMALLOC_ALLOW_THP',
];
for (const name of LAUNCHERS) delete env[name];

const status = await dispatch(process.argv.slice(2), {
  cwd: process.cwd(),
  env,
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
  pid: process.pid,
  ...(limit > 0 && { openFilesLimit: limit }),
  ...(stage !== undefined && { stage }),
});
if (stage?.taken === false) {
  const { endStage } = await import('../runtime/host/launched-stage.ts');
  endStage(stage);
}
process.exit(status);
