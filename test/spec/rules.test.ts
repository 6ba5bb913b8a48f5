import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { defaultConfig, rootlessConfig } from '../../spec/default.ts';
import { formatPath } from '../../spec/problem.ts';
import { checkRules } from '../../spec/rules/rules.ts';
import { dottedSysctl } from '../../spec/rules/sysctl.ts';
import { configWarnings } from '../../spec/rules/warnings.ts';
import { findShapeProblem, SCHEMAS } from '../../spec/shape.ts';
import type { Config, Hooks, Linux, Mount, NamespaceType, Process } from '../../spec/types.ts';

const BASE = defaultConfig({ unifiedCgroups: false });

const config = (changes: Partial<Config>): Config => ({ ...BASE, ...changes });
const program = (changes: Partial<Process>): Config => config({ process: { ...BASE.process, ...changes } });
const mounts = (...list: Mount[]): Config => config({ mounts: list });
const linux = (changes: Partial<Linux>): Config => config({ linux: { ...BASE.linux, ...changes } });
const without = (type: NamespaceType): Config => {
  const namespaces = BASE.linux?.namespaces?.filter((namespace) => namespace.type !== type);
  return config({ linux: { namespaces } });
};
const and = (base: Config, changes: Partial<Linux>): Config => ({ ...base, linux: { ...base.linux, ...changes } });

const ROOTLESS = rootlessConfig({ unifiedCgroups: false, uid: 1000, gid: 1000 });
const MAPPINGS = [{ containerID: 0, hostID: 1000, size: 1 }];
const BIND: Mount = { destination: '/x', source: '/x', options: ['bind'] };
const TIME = [{ type: 'time' as const }];

suite('rules', () => {
  const refused: readonly (readonly [config: Config, problem: string])[] = [
    [config({ ociVersion: '2.0.0' }), 'ociVersion: version 2.0.0 is not supported, only 1.x is'],
    [config({ ociVersion: '0.9.0' }), 'ociVersion: version 0.9.0 is not supported, only 1.x is'],
    [config({ ociVersion: '1.0' }), 'ociVersion: must be a SemVer version, not "1.0"'],
    [config({ ociVersion: '1.0.0\n' }), 'ociVersion: must be a SemVer version, not "1.0.0\\n"'],
    [config({ process: undefined }), 'process: process property must not be empty'],
    [config({ root: undefined }), 'root: root must be specified'],
    [config({ root: { path: '' } }), 'root.path: must not be empty'],
    [config({ root: { path: 'a\0' } }), 'root.path: contains a nul byte'],
    [program({ cwd: '' }), 'process.cwd: Cwd property must not be empty'],
    [program({ cwd: 'tmp' }), 'process.cwd: Cwd must be an absolute path'],
    [program({ cwd: '/\0' }), 'process.cwd: contains a nul byte'],
    [program({ args: [] }), 'process.args: args must not be empty'],
    [program({ args: undefined }), 'process.args: args must not be empty'],
    [program({ args: ['a', 'b\0'] }), 'process.args[1]: contains a nul byte'],
    ...(['uid', 'gid'] as const).map(
      (kind) =>
        [
          program({ user: { uid: 0, gid: 0, [kind]: 0xffff_ffff } }),
          `process.user.${kind}: must be at most 4294967294, not 4294967295`,
        ] as const,
    ),
    [
      program({ user: { uid: 0, gid: 0, additionalGids: [1, 0xffff_ffff] } }),
      'process.user.additionalGids[1]: must be at most 4294967294, not 4294967295',
    ],
    [program({ env: ['A=', 'B'] }), "process.env[1]: invalid environment variable: missing '='"],
    [program({ env: ['=a'] }), 'process.env[0]: invalid environment variable: name cannot be empty'],
    [program({ env: ['A=\0'] }), 'process.env[0]: invalid environment variable: contains nul byte'],
    [
      program({ rlimits: [{ type: 'RLIMIT_FOO', hard: 1, soft: 1 }] }),
      'process.rlimits[0].type: wrong rlimit value: RLIMIT_FOO',
    ],
    [
      program({
        rlimits: [
          { type: 'RLIMIT_CORE', hard: 1, soft: 1 },
          { type: 'RLIMIT_CORE', hard: 2, soft: 2 },
        ],
      }),
      'process.rlimits[1].type: RLIMIT_CORE is given twice',
    ],
    [
      program({ rlimits: [{ type: 'RLIMIT_CORE', hard: 1, soft: 2n ** 64n - 1n }] }),
      'process.rlimits[0].soft: 18446744073709551615 is more than the hard limit, 1',
    ],
    [
      program({ scheduler: { policy: 'SCHED_BATCH', nice: 20 } }),
      'process.scheduler.nice: invalid scheduler.nice: 20 when scheduler.policy is SCHED_BATCH',
    ],
    [
      program({ scheduler: { policy: 'SCHED_OTHER', priority: 1 } }),
      'process.scheduler.priority: scheduler.priority can only be specified for SchedFIFO or SchedRR policy',
    ],
    [
      program({ scheduler: { policy: 'SCHED_FIFO', period: 1n } }),
      'process.scheduler.period: scheduler runtime/deadline/period can only be specified for SchedDeadline policy',
    ],
    [
      program({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 8 } }),
      'process.ioPriority.priority: invalid ioPriority.Priority: 8',
    ],
    [mounts({ destination: '' }), 'mounts[0].destination: must not be empty'],
    [mounts({ destination: '/a\0' }), 'mounts[0].destination: mount field contains null byte'],
    [mounts({ destination: '/a', source: '\0' }), 'mounts[0].source: mount field contains null byte'],
    [
      mounts(
        { destination: '/a', type: 'tmpfs', options: ['size=1k'] },
        { ...BIND, options: ['rbind', 'ro', 'size=1k'] },
      ),
      'mounts[1].options[2]: bind mounts cannot have any filesystem-specific options applied, as "size=1k"',
    ],
    [
      mounts({ destination: '/a', type: 'tmpfs', options: ['idmap'] }),
      'mounts[0]: id-mapped mounts are only supported for bind-mounts',
    ],
    [
      mounts({ ...BIND, options: ['bind', 'ridmap'] }),
      'mounts[0]: id-mapped mounts must have both uid and gid mappings specified',
    ],
    [
      mounts({ ...BIND, uidMappings: MAPPINGS }),
      'mounts[0]: id-mapped mounts must have both uid and gid mappings specified',
    ],
    [
      linux({ namespaces: [{ type: 'uts' }, { type: 'pid' }, { type: 'uts', path: '/proc/1/ns/uts' }] }),
      'linux.namespaces[2]: malformed spec file: duplicated ns "uts"',
    ],
    [linux({ namespaces: [{ type: 'uts', path: 'ns/uts' }] }), 'linux.namespaces[0].path: must be an absolute path'],
    [without('uts'), 'hostname: unable to set hostname without a private UTS namespace'],
    [
      { ...without('uts'), hostname: '', domainname: 'example.org' },
      'domainname: unable to set domainname without a private UTS namespace',
    ],
    [
      and(without('mount'), { maskedPaths: ['/proc/kcore'] }),
      'linux.maskedPaths: unable to restrict sys entries without a private MNT namespace',
    ],
    [
      and(without('mount'), { readonlyPaths: ['/proc/sys'] }),
      'linux.readonlyPaths: unable to restrict sys entries without a private MNT namespace',
    ],
    [
      and(without('network'), { netDevices: { eth0: {} } }),
      'linux.netDevices: unable to move network devices without a NET namespace',
    ],
    [
      linux({ uidMappings: MAPPINGS }),
      "linux.uidMappings: user namespace mappings specified, but user namespace isn't enabled in the config",
    ],
    [
      linux({ gidMappings: MAPPINGS }),
      "linux.gidMappings: user namespace mappings specified, but user namespace isn't enabled in the config",
    ],
    [and(ROOTLESS, { uidMappings: [] }), 'linux.namespaces[4]: user namespaces enabled, but no uid mappings found'],
    [and(ROOTLESS, { gidMappings: [] }), 'linux.namespaces[4]: user namespaces enabled, but no gid mappings found'],
    [
      linux({ timeOffsets: { boottime: { secs: 1 } } }),
      "linux.timeOffsets: time namespace offsets specified, but time namespace isn't enabled in the config",
    ],
    [
      { ...BASE, hostname: '', linux: { namespaces: [{ type: 'time', path: '/t' }], timeOffsets: {} } },
      'linux.timeOffsets: time namespace enabled, but both namespace path and time offsets specified' +
        ' -- you may only provide one',
    ],
    [
      and(without('ipc'), { sysctl: { 'kernel.shmmax': '1' } }),
      'linux.sysctl["kernel.shmmax"]: sysctl "kernel.shmmax" is not allowed in the hosts ipc namespace',
    ],
    [
      and(without('ipc'), { sysctl: { 'fs.mqueue.msg_max': '1' } }),
      'linux.sysctl["fs.mqueue.msg_max"]: sysctl "fs.mqueue.msg_max" is not allowed in the hosts ipc namespace',
    ],
    [
      and(without('network'), { sysctl: { 'net/ipv4/ip_forward': '1' } }),
      'linux.sysctl["net/ipv4/ip_forward"]: sysctl "net.ipv4.ip_forward" not allowed in host network namespace',
    ],
    [
      linux({ sysctl: { 'kernel.hostname': 'x' } }),
      'linux.sysctl["kernel.hostname"]: ' +
        'sysctl "kernel.hostname" is not allowed as it conflicts with the OCI "hostname" field',
    ],
    [
      linux({ sysctl: { 'user.max_user_namespaces': '1' } }),
      'linux.sysctl["user.max_user_namespaces"]: ' +
        'setting ucounts without a user namespace not allowed: "user.max_user_namespaces"',
    ],
    [
      linux({ sysctl: { 'vm.swappiness': '1' } }),
      'linux.sysctl["vm.swappiness"]: sysctl "vm.swappiness" is not in a separate kernel namespace',
    ],
    [
      linux({ sysctl: { 'net.//.kernel.panic': '1' } }),
      'linux.sysctl["net.//.kernel.panic"]: sysctl "net.//.kernel.panic" is not a name',
    ],
    [linux({ devices: [{ path: '', type: 'p' }] }), 'linux.devices[0].path: must be a path'],
    [
      linux({ devices: [{ path: '/dev/x', type: 'c', minor: 1 }] }),
      'linux.devices[0].major: required for a device of type c',
    ],
    [
      linux({ devices: [{ path: '/dev/x', type: 'b', major: 1 }] }),
      'linux.devices[0].minor: required for a device of type b',
    ],
    [
      linux({ resources: { devices: [{ allow: true, type: 'u' }] } }),
      'linux.resources.devices[0].type: invalid cgroup device type "u"',
    ],
    [
      linux({ resources: { devices: [{ allow: true, type: 'c', access: 'x' }] } }),
      'linux.resources.devices[0].access: invalid device permissions "x"',
    ],
    [
      program({ execCPUAffinity: { initial: '1', final: '1-' } }),
      'process.execCPUAffinity.final: bad CPUAffinity.Final: parsing "": invalid syntax',
    ],
    [
      program({ execCPUAffinity: { initial: '99999' } }),
      'process.execCPUAffinity.initial: bad CPUAffinity.Initial: values larger than 65536 are not supported',
    ],
    [
      linux({ memoryPolicy: { mode: 'MPOL_BIND', nodes: 'a' } }),
      'linux.memoryPolicy.nodes: invalid memory policy nodes "a": parsing "a": invalid syntax',
    ],
    [linux({ netDevices: { 'a b': {} } }), 'linux.netDevices["a b"]: invalid network device name "a b"'],
    [linux({ netDevices: { '': {} } }), 'linux.netDevices[""]: invalid network device name ""'],
    [linux({ netDevices: { eth0: { name: '..' } } }), 'linux.netDevices.eth0: invalid network device name ".."'],
    [linux({ intelRdt: { closID: 'a/b' } }), 'linux.intelRdt.closID: invalid intelRdt.ClosID "a/b"'],
    [linux({ intelRdt: { schemata: ['L3:0=f', 'a\nb'] } }), 'linux.intelRdt.schemata[1]: must not contain newlines'],
    [linux({ personality: {} }), 'linux.personality.domain: invalid personality domain'],
    [linux({ memoryPolicy: {} }), 'linux.memoryPolicy.mode: invalid memory policy mode ""'],
    [
      linux({ memoryPolicy: { mode: 'MPOL_LOCAL', nodes: '0-2,1,64-72' } }),
      'linux.memoryPolicy.nodes: memory policy mode requires 0 nodes but got 12',
    ],
    [
      linux({ memoryPolicy: { mode: 'MPOL_BIND' } }),
      'linux.memoryPolicy.nodes: memory policy mode requires at least one node but got 0',
    ],
    [config({ hooks: { poststop: [{ path: 'sh' }] } }), 'hooks.poststop[0].path: must be an absolute path'],
  ];

  for (const [document, problem] of refused) {
    test(`refuse: ${problem}`, () => {
      assert.equal(findShapeProblem(SCHEMAS.config, document), undefined, 'the rule is tried, not the schema');
      assert.equal(first(document), problem);
      assert.doesNotMatch(problem, /\n/);
    });
  }

  const accepted: Readonly<Record<string, Config>> = {
    'the default config': BASE,
    'the rootless config': ROOTLESS,
    'later 1.x versions': config({ ociVersion: '1.99.0-rc.1+dev' }),
    "runc 1.1's version": config({ ociVersion: '1.0.2-dev' }),
    'a relative destination': mounts({ destination: 'x' }),
    'any option but idmap where nothing is bound': mounts({ destination: '/x', type: 'none', options: ['foo'] }),
    "a bind mount with the runtime's own options": mounts({ ...BIND, options: ['bind', 'rro', 'rprivate', 'noatime'] }),
    'an id-mapped bind mount': mounts({ ...BIND, uidMappings: MAPPINGS, gidMappings: MAPPINGS }),
    "one with the container's mappings": { ...ROOTLESS, mounts: [{ ...BIND, options: ['bind', 'idmap'] }] },
    'a user namespace to join': linux({
      namespaces: [{ type: 'uts' }, { type: 'mount' }, { type: 'user', path: '/u' }],
    }),
    'mappings that are empty': linux({ uidMappings: [], gidMappings: [] }),
    'a propagation that is empty': linux({ rootfsPropagation: '' }),
    'an unlimited rlimit': program({ rlimits: [{ type: 'RLIMIT_CORE', hard: 2n ** 64n - 1n, soft: 0 }] }),
    'deadline scheduling': program({ scheduler: { policy: 'SCHED_DEADLINE', runtime: 1, deadline: 2, period: 2 } }),
    'time offsets': and(BASE, { namespaces: [...(BASE.linux?.namespaces ?? []), ...TIME], timeOffsets: {} }),
    'sysctls of own namespaces': linux({
      sysctl: {
        'kernel.msgmax': '1',
        'net.core.somaxconn': '1',
        'kernel.domainname': 'x',
        'net/ipv4/conf/a.b/mtu': '',
      },
    }),
    'ucounts of an own user namespace': and(ROOTLESS, { sysctl: { 'user.max_user_namespaces': '1' } }),
    'a fifo without numbers': linux({ devices: [{ path: '/f', type: 'p' }] }),
    'device access by letters that mean nothing': linux({
      resources: {
        devices: [
          { allow: true, type: 'c', access: 'rwa' },
          { allow: false, access: 'x' },
        ],
      },
    }),
    "the default group's resctrl": linux({ intelRdt: { closID: '/' } }),
    'an unknown member of hooks': config({ hooks: Object.assign<Hooks, object>({}, { later: 'anything' }) }),
  };
  for (const [name, document] of Object.entries(accepted)) {
    test(`accept ${name}`, () => {
      assert.equal(first(document), undefined);
    });
  }

  test('sysctl names are compared with dots', () => {
    assert.equal(dottedSysctl('net/ipv4/conf/eno2.100.rp_filter'), 'net.ipv4.conf.eno2/100/rp_filter');
    assert.equal(dottedSysctl('net.ipv4.conf.eno2/100.rp_filter'), 'net.ipv4.conf.eno2/100.rp_filter');
    assert.equal(dottedSysctl('plain'), 'plain');
  });

  test('warn, in runc’s words, of what is taken nevertheless', () => {
    assert.deepEqual(configWarnings(BASE), []);
    const odd = and(mounts({ destination: 'a\nb' }), {
      resources: { memory: { kernel: 1 } },
      personality: { domain: 'LINUX', flags: ['X'] },
    });
    const warnings = configWarnings(odd);
    assert.equal(warnings.length, 3);
    assert.match(warnings.join(), /mount destination "a\\nb" is not absolute.*Kernel memory.*personality flags/);
  });
});

function first(document: Config): string | undefined {
  const problems: string[] = [];
  checkRules(document, (path, reason) => problems.push(`${formatPath(path)}: ${reason}`));
  return problems[0];
}
