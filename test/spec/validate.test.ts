import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { defaultConfig } from '../../spec/default.ts';
import { SpecError } from '../../spec/problem.ts';
import { printedStateSchema } from '../../spec/state.ts';
import { checkConfig, parseConfig, parseFeatures, parseProcess, parseState } from '../../spec/validate.ts';
import { compileChecks } from './compiled-checks.ts';

const BASE = defaultConfig({ unifiedCgroups: false });
const checks = compileChecks();

suite('parseConfig', () => {
  for (const [name, options] of [
    ['by the compiled validator', { checks }],
    ['by zod', { checks: {} }],
  ] as const) {
    test(`gives the document as it is, unknown fields included, ${name}`, async () => {
      const document = { ...BASE, later: { any: [1] }, windows: 'ignored', linux: { ...BASE.linux, later: 1 } };
      assert.deepEqual(await parseConfig(JSON.stringify(document), options), document);
    });

    test(`names path and reason, ${name}`, async () => {
      for (const [path, value, message] of [
        ['process.args', [1], 'config.json: process.args[0]: must be a string'],
        ['process.cwd', undefined, 'config.json: process.cwd: is required'],
        ['process.terminal', 'yes', 'config.json: process.terminal: must be true or false'],
        ['process.user', { uid: -1 }, 'config.json: process.user.uid: must be at least 0'],
        ['process.user', { gid: 2 ** 32 }, 'config.json: process.user.gid: must be at most 4294967295'],
        ['process.user', { gid: 1.5 }, 'config.json: process.user.gid: must be an integer'],
        ['process.user', [], 'config.json: process.user: must be an object'],
        ['mounts', {}, 'config.json: mounts: must be an array'],
        ['annotations', { 'a\nb': 1 }, 'config.json: annotations["a\\nb"]: must be a string'],
        [
          'linux.namespaces',
          [{ type: 'net' }],
          'config.json: linux.namespaces[0].type: ' +
            'must be one of mount, pid, network, uts, ipc, user, cgroup, time, not "net"',
        ],
        [
          'linux.memoryPolicy',
          { mode: 'INTERLEAVE' },
          'config.json: linux.memoryPolicy.mode: invalid memory policy mode "INTERLEAVE": ' +
            'must be one of MPOL_DEFAULT, MPOL_BIND, MPOL_INTERLEAVE, MPOL_WEIGHTED_INTERLEAVE, ' +
            'MPOL_PREFERRED, MPOL_PREFERRED_MANY, MPOL_LOCAL, not "INTERLEAVE"',
        ],
        [
          'linux.memoryPolicy',
          { mode: 'MPOL_BIND', flags: ['MPOL_F_STATIC_NODES', 'x'] },
          'config.json: linux.memoryPolicy.flags[1]: invalid memory policy flag "x": ' +
            'must be one of MPOL_F_NUMA_BALANCING, MPOL_F_RELATIVE_NODES, MPOL_F_STATIC_NODES, not "x"',
        ],
        [
          'linux.resources',
          { hugepageLimits: [{ pageSize: '64kB', limit: 1 }] },
          'config.json: linux.resources.hugepageLimits[0].pageSize: must match /^[1-9][0-9]*[KMG]B$/, not "64kB"',
        ],
        [
          'linux.seccomp',
          { defaultAction: 'SCMP_ACT_LOG', syscalls: [{ names: [], action: 'SCMP_ACT_LOG' }] },
          'config.json: linux.seccomp.syscalls[0].names: must not be empty',
        ],
        [
          'process.rlimits',
          [{ type: 'RLIMIT_CORE', soft: -1, hard: 1 }],
          'config.json: process.rlimits[0].soft: must be an unsigned 64-bit integer',
        ],
        ['process.cwd', 'x', 'config.json: process.cwd: Cwd must be an absolute path'],
        ['linux.intelRdt', { closID: '..' }, 'config.json: linux.intelRdt.closID: invalid intelRdt.ClosID ".."'],
      ] as const) {
        const text = JSON.stringify(changed(path, value));
        await assert.rejects(parseConfig(text, options), (error: unknown) => {
          assert.ok(error instanceof SpecError);
          assert.equal(error.message, message);
          assert.doesNotMatch(error.message, /\n/);
          return true;
        });
      }
    });
  }

  test('takes other capitals for those of a field, as Go does, and for nothing else', async () => {
    const mounts = BASE.mounts ?? [];
    const last = mounts.at(-1);
    assert.ok(last?.options);
    const { hostname, linux, ...base } = BASE;
    const odd = {
      ...base,
      HostName: 'x',
      annotations: { Type: 'kept', TYPE: 'too' },
      mounts: [...mounts, { ...last, OPTIONS: ['no'] }],
      LINUX: {
        ...linux,
        resources: {
          cpu: { shares: 4, quota: 7 },
          CPU: { Cpus: '0', Shares: 5 },
          HugePageLimits: [{ pagesize: '2MB', limit: 18446744073709551615n }],
        },
      },
    };
    const text = JSON.stringify(odd, (_, value) => (typeof value === 'bigint' ? Number(value) : value));
    const exact = text.replace('18446744073709552000', '18446744073709551615');
    for (const options of [{ checks }, { checks: {} }]) {
      const config = await parseConfig(exact, options);
      assert.equal(config.hostname, 'x');
      assert.deepEqual(config.annotations, odd.annotations);
      // Where both are there, the later one counts. If they are objects, they are merged.
      assert.deepEqual(config.mounts?.at(-1)?.options, ['no']);
      assert.deepEqual(config.linux?.resources?.cpu, { shares: 5, quota: 7, cpus: '0' });
      assert.deepEqual(config.linux?.resources?.hugepageLimits, [{ pageSize: '2MB', limit: 18446744073709551615n }]);
      const process = await parseProcess('{"CWD":"/","args":["a"],"User":{"UID":7}}', options);
      assert.equal(process.cwd, '/');
      assert.equal(process.user?.uid, 7);
      await assert.rejects(parseProcess('{"cwd":"/","Args":[1]}', options), /args\[0\]: must be a string/);
    }
  });

  test('keeps 64-bit limits', async () => {
    const text = JSON.stringify(BASE).replace('"hard":1024', '"hard":18446744073709551615');
    const { process } = await parseConfig(text, { checks });
    assert.equal(process.rlimits?.[0]?.hard, 18446744073709551615n);
    const over = text.replace('18446744073709551615', '18446744073709551616');
    await assert.rejects(parseConfig(over, { checks }), /hard: must be an unsigned 64-bit integer/);
  });

  test('takes null for absent, as runc does', async () => {
    const text = JSON.stringify({ ...BASE, hooks: null, hostname: null });
    const { hooks, hostname } = await parseConfig(text, { checks });
    assert.deepEqual([hooks, hostname], [undefined, undefined]);
  });

  test('names the document as it was told', async () => {
    await assert.rejects(parseConfig('[]', { document: '/b/config.json' }), {
      message: '/b/config.json: must be an object',
    });
  });

  test('takes 1,000 mounts at once', async () => {
    const mounts = Array.from({ length: 1000 }, (_, index) => ({
      destination: `/mnt/${index}`,
      type: 'none',
      source: `/srv/${index}`,
      options: ['rbind', 'ro', 'nosuid', 'nodev', 'rprivate'],
    }));
    const text = JSON.stringify({ ...BASE, mounts });
    await parseConfig(text, { checks });
    // It takes about 2 ms. A busy machine stays below the bound; quadratic code does not.
    const start = performance.now();
    assert.equal((await parseConfig(text, { checks })).mounts?.length, 1000);
    assert.ok(performance.now() - start < 200);
  });

  test('checks a config that is no text', async () => {
    assert.equal(await checkConfig(BASE, { checks }), BASE);
    await assert.rejects(checkConfig(null), { message: 'config.json: must be an object' });
    await assert.rejects(checkConfig(undefined), { message: 'config.json: is required' });
  });

  test('loads zod only to word an error', () => {
    const loaded = staticImports(join(import.meta.dirname, '../../spec/validate.ts'));
    assert.ok(
      [...loaded].some((file) => file.endsWith('/spec/rules/rules.ts')),
      'the walk finds modules',
    );
    assert.deepEqual(
      [...loaded].filter((file) => file === 'zod' || file.endsWith('/spec/shape.ts')),
      [],
    );
  });
});

suite('the other documents', () => {
  test('a process', async () => {
    const text = JSON.stringify(BASE.process);
    assert.deepEqual(await parseProcess(text, { checks }), BASE.process);
    for (const [changes, message] of [
      [{ args: [] }, 'process.json: args: args must not be empty'],
      [{ args: 'sh' }, 'process.json: args: must be an array'],
      [{ env: ['A'] }, "process.json: env[0]: invalid environment variable: missing '='"],
      [
        { ioPriority: { class: 'IOPRIO_CLASS_RT', priority: 8 } },
        'process.json: ioPriority.priority: invalid ioPriority.Priority: 8',
      ],
    ] as const) {
      await assert.rejects(parseProcess(JSON.stringify({ ...BASE.process, ...changes }), { checks }), { message });
    }
  });

  test('a state', async () => {
    const state = { ociVersion: '1.3.0', id: 'x', status: 'paused', pid: 0, bundle: '/b', annotations: { a: 'b' } };
    assert.deepEqual(await parseState(JSON.stringify(state), { checks }), state);
    await assert.rejects(
      parseState(JSON.stringify({ ...state, status: 'dead' }), { checks }),
      /^SpecError: state: status: /,
    );
  });

  test("a state as runc's state command prints it", () => {
    // The members and their order are those of containerState in runc's list.go.
    const printed = {
      ociVersion: '1.0.2-dev',
      id: 'x',
      pid: 4711,
      status: 'created',
      bundle: '/b',
      rootfs: '/b/rootfs',
      created: '2025-11-24T08:04:00.123456789Z',
      owner: '',
    };
    assert.equal(printedStateSchema.safeParse(printed).success, true);
    assert.deepEqual(Object.keys(printedStateSchema.shape), [
      ...['ociVersion', 'id', 'pid', 'status', 'bundle', 'rootfs', 'created', 'annotations', 'owner'],
    ]);
  });

  test('features', async () => {
    const features = {
      ociVersionMin: '1.0.0',
      ociVersionMax: '1.3.0',
      linux: { memoryPolicy: { modes: ['MPOL_BIND'] } },
    };
    assert.deepEqual(await parseFeatures(JSON.stringify(features), { checks }), features);
    await assert.rejects(parseFeatures('{"ociVersionMin":"1.0.0"}', { checks }), {
      message: 'features: ociVersionMax: is required',
    });
  });
});

/** The default config with one value changed. `undefined` removes the member. */
function changed(path: string, value: unknown): unknown {
  const document = structuredClone<object>(BASE);
  const steps = path.split('.');
  const last = steps.pop() ?? '';
  const parent = steps.reduce<object>((at, step) => Reflect.get(at, step), document);
  Reflect.set(parent, last, value);
  return document;
}

/** All modules that are loaded with a module: those of `import type` and of dynamic imports are not. */
function staticImports(file: string, found: Set<string> = new Set()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  if (!file.startsWith('/')) return found;
  const imports = /^(?:import|export) (?!type\b)[^;]*?from '([^']+)'/gm;
  for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(imports)) {
    staticImports(name.startsWith('.') ? join(dirname(file), name) : name, found);
  }
  return found;
}
