import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { defaultConfig } from '../../spec/default.ts';
import { formatPath } from '../../spec/problem.ts';
import type { Config } from '../../spec/types.ts';
import { refuseUnsupported, unsupportedPaths } from '../../spec/unsupported.ts';

const BASE = defaultConfig({ unifiedCgroups: true });

// By path of the tables: where the error says it is, and a config that has it.
const SAMPLES: Readonly<Record<string, readonly [path: string, document: Config]>> = {
  'linux.intelRdt': ['linux.intelRdt', linux({ intelRdt: {} })],
  'linux.memoryPolicy': ['linux.memoryPolicy', linux({ memoryPolicy: { mode: 'MPOL_LOCAL' } })],
  'process.apparmorProfile': ['process.apparmorProfile', program({ apparmorProfile: 'x' })],
  'process.selinuxLabel': ['process.selinuxLabel', program({ selinuxLabel: 'x' })],
  'process.scheduler': ['process.scheduler', program({ scheduler: { policy: 'SCHED_OTHER' } })],
  'process.ioPriority': ['process.ioPriority', program({ ioPriority: { class: 'IOPRIO_CLASS_IDLE' } })],
  'process.execCPUAffinity': ['process.execCPUAffinity', program({ execCPUAffinity: { initial: '0' } })],
};

suite('fields that are not supported yet', () => {
  for (const [entry, [path, document]] of Object.entries(SAMPLES)) {
    if (!unsupportedPaths().includes(entry)) continue; // Landed meanwhile.
    test(`refuse ${entry}`, () => {
      assert.deepEqual(refusals(document), [`${path}: not supported yet`]);
    });
  }

  test('all have a test', () => {
    assert.deepEqual(
      unsupportedPaths().filter((path) => !(path in SAMPLES)),
      [],
    );
  });

  test('leave the default config alone, and what asks for nothing', () => {
    assert.deepEqual(refusals(BASE), []);
    const empty: Config = {
      ...BASE,
      domainname: '',
      hooks: { prestart: [], poststop: [] },
      linux: { ...BASE.linux, devices: [], sysctl: {}, mountLabel: '', resources: { memory: {}, devices: [] } },
      process: { ...BASE.process, apparmorProfile: '', execCPUAffinity: {} },
    };
    assert.deepEqual(refusals(empty), []);
  });
});

function refusals(document: Config): string[] {
  const problems: string[] = [];
  refuseUnsupported(document, (path, reason) => problems.push(`${formatPath(path)}: ${reason}`));
  return problems;
}

function linux(changes: Partial<NonNullable<Config['linux']>>): Config {
  return { ...BASE, linux: { ...BASE.linux, ...changes } };
}

function program(changes: Partial<NonNullable<Config['process']>>): Config {
  return { ...BASE, process: { ...BASE.process, ...changes } };
}
