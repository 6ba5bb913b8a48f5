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
const OTHER_COMMANDS = 'none of its commands is worth it';
const OTHER_NAMESPACES = 'its commands run in namespaces that are not the server’s';

/** Files of whose commands none is served, with the reason. */
export const UNSERVED: Readonly<Record<string, string>> = {
  'test/engines/cri.test.ts': OTHER_NAMESPACES,
  'test/engines/docs.test.ts': 'it asks for a version alone',
  ...Object.fromEntries(
    Object.entries({
      'bad-input': BY_LIBRARY,
      cgroups: BY_LIBRARY,
      'causes-rootless': ORDINARY_USER,
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
      'crash-damage': BY_LIBRARY,
      'crash-races': BY_LIBRARY,
      cves: BY_LIBRARY,
      devices: BY_LIBRARY,
      'exec-v2': OTHER_NAMESPACES,
      faults: BY_LIBRARY,
      features: OTHER_COMMANDS,
      foreground: BY_LIBRARY,
      'foreground-terminal': BY_LIBRARY,
      'hostile-rootfs': BY_LIBRARY,
      idmap: BY_LIBRARY,
      inheritance: BY_LIBRARY,
      'launched-stage': OTHER_NAMESPACES,
      library: BY_LIBRARY,
      'library-events': BY_LIBRARY,
      'library-examples': BY_LIBRARY,
      'library-operations': OTHER_COMMANDS,
      'library-package': BY_LIBRARY,
      'library-processes': BY_LIBRARY,
      'library-rootfs': BY_LIBRARY,
      'library-stream-examples': BY_LIBRARY,
      'library-streams': BY_LIBRARY,
      mounts: BY_LIBRARY,
      'mounts-every-option': BY_LIBRARY,
      'mounts-options': BY_LIBRARY,
      'mounts-order': BY_LIBRARY,
      'mounts-userns': BY_LIBRARY,
      namespaces: BY_LIBRARY,
      process: BY_LIBRARY,
      quickstart: 'it runs the dist/ that was built, of which no server is',
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
      'watch-page-many': OTHER_COMMANDS,
      timens: BY_LIBRARY,
      trace: 'a trace shows the process of the command itself',
      'userns-rootless': ORDINARY_USER,
    }).map(([name, reason]) => [`test/integration/${name}.test.ts`, reason]),
  ),
};
