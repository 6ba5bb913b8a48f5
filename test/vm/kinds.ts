/** The kinds of test machines: what each is made of, and which test files run in it. */

import { criuFiles, filesInside, selinuxFiles } from './files.ts';
import { RECIPE, type Recipe } from './recipe.ts';

export interface Kind {
  /** In reports. */
  readonly name: string;
  readonly recipe: Recipe;
  /** Further words of the kernel's command line. */
  readonly kernelWords: readonly string[];
  /** The test files that run in it unless others are named, as paths from the root of the repository. */
  readonly files: (repository: string) => readonly string[];
}

/** Nobody reads what the kernel would log for audits. */
const SILENT = 'audit=0';

/** The one that `npm test` boots. */
export const USUAL: Kind = { name: 'test machine', recipe: RECIPE, kernelWords: [SILENT], files: filesInside };

/** The newest CRIU that Debian has, on its newest kernel. */
const NEWEST: Kind = {
  name: 'test machine of sid',
  // There, these do not come by themselves.
  recipe: { ...RECIPE, suite: 'sid', packages: [...RECIPE.packages, 'libstdc++6', 'mount', 'passwd'] },
  kernelWords: [SILENT],
  files: criuFiles,
};

const FILE_CONTEXTS = '/etc/selinux/default/contexts/files/file_contexts';

/**
 * Debian with SELinux's policy, for what users of Fedora and RHEL have. It boots permissive, so that a missing rule of
 * the policy for what the machine itself does stops nothing; tests switch to enforcing.
 */
const SELINUX: Kind = {
  name: 'test machine with SELinux',
  recipe: {
    ...RECIPE,
    suite: 'trixie',
    packages: [
      ...RECIPE.packages,
      'libstdc++6',
      'podman',
      'policycoreutils',
      'selinux-policy-default',
      'selinux-utils',
    ],
    files: { ...labelledRepository(RECIPE.files), '/etc/selinux/config': 'SELINUX=permissive\nSELINUXTYPE=default\n' },
    hooks: [...RECIPE.hooks, `chroot "$1" setfiles -F -e /proc -e /sys -e /dev ${FILE_CONTEXTS} /`],
  },
  kernelWords: ['security=selinux', 'selinux=1', 'audit=1'],
  files: selinuxFiles,
};

/** The tests run as in an administrator's shell. The repository's disk has no labels of its own. */
function labelledRepository(files: Recipe['files']): Recipe['files'] {
  const unit = '/etc/systemd/system/runchart-tests.service';
  const text = `${files[unit]}`
    .replace('mount -o ro', 'mount -o ro,context=system_u:object_r:bin_t:s0')
    .replace('[Service]\n', '[Service]\nSELinuxContext=unconfined_u:unconfined_r:unconfined_t:s0\n');
  return { ...files, [unit]: text };
}

/** By the name that `npm run test:vm -- --on NAME` takes. */
export const KINDS: Readonly<Record<string, Kind>> = { usual: USUAL, sid: NEWEST, selinux: SELINUX };
