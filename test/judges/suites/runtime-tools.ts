/** The validation tests of a checkout of github.com/opencontainers/runtime-tools. */

import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { Suite } from '../suite.ts';

export const runtimeTools: Suite = {
  about: "the validation of the OCI's runtime-tools",
  programs: { unshare: 'util-linux', tar: 'tar' },
  built: { runtimetest: 'make runtimetest', 'validation/create/create.t': 'make validation-executables' },
  peers: ['runc in PATH'],
  cgroups: [/^runtime-tools-test/, /^[0-9a-f]{8}-[0-9a-f-]{27}$/],
  files: (checkout) => globSync('validation/*/*.t', { cwd: checkout }).toSorted(),
  open(room) {
    return {
      command: (file) => ({
        command: join(room.checkout, file),
        args: [],
        cwd: room.checkout,
        env: { RUNTIME: room.runtime },
      }),
      close: () => undefined,
    };
  },
};
