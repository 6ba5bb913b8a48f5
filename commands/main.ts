/** The entry: gathers what this process finds around it, and hands it down. */

import { dispatch } from './dispatch.ts';

const { env } = process;
const limit = Number(env.RUNCHART_NOFILE);
// The launcher's word to this engine, none of what hooks inherit.
for (const name of ['RUNCHART_NOFILE', 'BUN_JSC_useJIT', 'BUN_ENABLE_CRASH_REPORTING', 'MIMALLOC_ALLOW_THP'])
  delete env[name];

const status = await dispatch(process.argv.slice(2), {
  cwd: process.cwd(),
  env,
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
  pid: process.pid,
  ...(limit > 0 && { openFilesLimit: limit }),
});
process.exit(status);
