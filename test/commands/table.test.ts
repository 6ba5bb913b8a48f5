import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GLOBALS_WITH_VALUE } from '../../commands/global-values.ts';
import { globals, globalsBefore } from '../../commands/globals.ts';
import { COMMANDS } from '../../commands/table.ts';

const classes = await Promise.all(
  [...COMMANDS].map(async ([name, load]) => ({ name, command: (await load()).default })),
);

/** `watch` looks at several state roots at once. */
const OWN: Readonly<Record<string, readonly string[]>> = { spec: ['rootless'], watch: ['root'] };

describe('the global flags', () => {
  it('that take a value are known before oclif is loaded', () => {
    const found = Object.entries(globals).filter(([, flag]) => flag.type === 'option');
    assert.deepEqual([...GLOBALS_WITH_VALUE].toSorted(), found.map(([name]) => name).toSorted());
  });

  it('are those of every command, except where a command has its own of the name', () => {
    for (const { name, command } of classes) {
      const own = Object.keys(globals).filter((flag) => command.flags[flag] !== Reflect.get(globals, flag));
      assert.deepEqual(own, OWN[name] ?? [], name);
    }
  });

  it('before a command do not become its own', () => {
    const spec = classes.find(({ name }) => name === 'spec')?.command;
    assert.deepEqual(globalsBefore(['--rootless', 'auto', '-root', '/x'], spec?.flags ?? {}), ['--root=/x']);
    const watch = classes.find(({ name }) => name === 'watch')?.command;
    const roots = ['--root', '/x', '--debug', '--root', '/y'];
    assert.deepEqual(globalsBefore(roots, watch?.flags ?? {}), ['--root=/x', '--debug', '--root=/y']);
    assert.throws(() => globalsBefore(['-d'], {}), { message: 'flag provided but not defined: -d' });
  });
});

describe('every command', () => {
  for (const { name, command } of classes) {
    it(`${name}: is found by its id, explained, and takes the arguments that it names`, () => {
      assert.equal(command.id, name);
      assert.match(command.summary ?? '', /^\S.*[^.]$/);
      const named = Object.values(command.args);
      // What is for another program is one argument in the help, and any number of words on the line.
      if (Number.isFinite(command.takes[1])) assert.equal(named.length, command.takes[1]);
      else assert.equal(command.ownWords, 1);
      assert.equal(named.filter(({ required }) => required).length, command.takes[0]);
      for (const [flag, { description }] of Object.entries(command.flags)) assert.match(description ?? '', /\S/, flag);
      for (const arg of named) assert.equal(arg.ignoreStdin, true);
    });
  }
});

/** The flags of both commands that use CRIU. */
const CRIU = [
  'image-path',
  'work-path',
  'tcp-established',
  'ext-unix-sk',
  'shell-job',
  'lazy-pages',
  'file-locks',
  'manage-cgroups-mode',
  'empty-ns',
  'auto-dedup',
];

/**
 * The flags in `runc COMMAND --help` of 1.1.5. pidfd-socket came with 1.2, tcp-skip-in-flight and link-remap with 1.4.
 */
const RUNC: Record<string, string[]> = {
  checkpoint: [
    ...CRIU,
    'parent-path',
    'leave-running',
    'tcp-skip-in-flight',
    'link-remap',
    'status-fd',
    'page-server',
    'pre-dump',
  ],
  create: ['bundle', 'console-socket', 'pidfd-socket', 'pid-file', 'no-pivot', 'no-new-keyring', 'preserve-fds'],
  delete: ['force'],
  events: ['interval', 'stats'],
  exec: [
    'console-socket',
    'pidfd-socket',
    'cwd',
    'env',
    'tty',
    'user',
    'additional-gids',
    'process',
    'detach',
    'pid-file',
    'process-label',
    'apparmor',
    'no-new-privs',
    'cap',
    'preserve-fds',
    'cgroup',
    'ignore-paused',
  ],
  features: [],
  kill: ['all'],
  list: ['format', 'quiet'],
  pause: [],
  ps: ['format'],
  restore: [
    ...CRIU,
    'bundle',
    'console-socket',
    'detach',
    'pid-file',
    'no-subreaper',
    'no-pivot',
    'lsm-profile',
    'lsm-mount-context',
  ],
  resume: [],
  update: [
    'resources',
    'blkio-weight',
    'cpu-period',
    'cpu-quota',
    'cpu-burst',
    'cpu-share',
    'cpu-rt-period',
    'cpu-rt-runtime',
    'cpuset-cpus',
    'cpuset-mems',
    'cpu-idle',
    'kernel-memory',
    'kernel-memory-tcp',
    'memory',
    'memory-reservation',
    'memory-swap',
    'pids-limit',
    'l3-cache-schema',
    'mem-bw-schema',
  ],
  run: [
    'bundle',
    'console-socket',
    'pidfd-socket',
    'detach',
    'keep',
    'pid-file',
    'no-subreaper',
    'no-pivot',
    'no-new-keyring',
    'preserve-fds',
  ],
  spec: ['bundle', 'rootless'],
  start: [],
  state: [],
};

/** Flags of crun's that runc does not have. */
const CRUN: Record<string, string[]> = { delete: ['regex'], kill: ['regex'] };

describe("runc's flags", () => {
  for (const { name, command } of classes.filter(({ name }) => RUNC[name] !== undefined))
    it(`are those of ${name}`, () => {
      const own = Object.keys(command.flags).filter((flag) => command.flags[flag] !== Reflect.get(globals, flag));
      assert.deepEqual(own.toSorted(), [...(RUNC[name] ?? []), ...(CRUN[name] ?? [])].toSorted());
    });
});
