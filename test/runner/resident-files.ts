/** Which test files are run by a resident server, and which of them it does not serve. */

/** These are a part of `npm test`; `npm run test:resident` runs all. */
export const SHORT: readonly string[] = [
  'caller-pipes',
  'cli',
  'detached',
  'exec-terminal',
  'exec',
  'hooks',
  'kill',
  'racing',
  'start-socket',
].map((name) => `test/integration/${name}.test.ts`);

const BY_LIBRARY = 'it makes its containers by the library, or by a program of its own';
const ORDINARY_USER = 'an ordinary user gives its commands';
const OWN_SERVER = 'it has servers of its own';
const OTHER_NAMESPACES = 'its commands run in namespaces that are not the server’s';

/** Files of whose commands none is served, with the reason. */
export const UNSERVED: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    'bad-input': BY_LIBRARY,
    cgroups: BY_LIBRARY,
    'cgroups-closed': OTHER_NAMESPACES,
    'cgroups-container': BY_LIBRARY,
    'cgroups-devices': BY_LIBRARY,
    'cgroups-faults': BY_LIBRARY,
    'cgroups-limits': BY_LIBRARY,
    'cgroups-oom': BY_LIBRARY,
    'cgroups-rare': BY_LIBRARY,
    'cgroups-rootless': ORDINARY_USER,
    'cgroups-stats': BY_LIBRARY,
    'cgroups-systemd': BY_LIBRARY,
    'cgroups-v2': BY_LIBRARY,
    'crash-races': BY_LIBRARY,
    devices: BY_LIBRARY,
    'exec-v2': OTHER_NAMESPACES,
    features: 'the command is not worth it',
    foreground: BY_LIBRARY,
    'foreground-terminal': BY_LIBRARY,
    'hostile-rootfs': BY_LIBRARY,
    idmap: BY_LIBRARY,
    inheritance: BY_LIBRARY,
    'launched-stage': OTHER_NAMESPACES,
    library: BY_LIBRARY,
    'library-events': BY_LIBRARY,
    'library-examples': BY_LIBRARY,
    'library-package': BY_LIBRARY,
    'library-rootfs': BY_LIBRARY,
    mounts: BY_LIBRARY,
    'mounts-every-option': BY_LIBRARY,
    'mounts-options': BY_LIBRARY,
    'mounts-order': BY_LIBRARY,
    'mounts-userns': BY_LIBRARY,
    namespaces: BY_LIBRARY,
    process: BY_LIBRARY,
    'resident-callers': OWN_SERVER,
    'resident-faults': OWN_SERVER,
    'resident-foreground': OWN_SERVER,
    'resident-kills': OWN_SERVER,
    'resident-memory': OWN_SERVER,
    'resident-messages': OWN_SERVER,
    rootfs: BY_LIBRARY,
    'seccomp-architectures': BY_LIBRARY,
    'systemd-cgroup': BY_LIBRARY,
    'systemd-resident': OWN_SERVER,
    'test-run': 'it runs the runner of tests',
    timens: BY_LIBRARY,
    'userns-rootless': ORDINARY_USER,
  }).map(([name, reason]) => [`test/integration/${name}.test.ts`, reason]),
);
