import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { defaultConfig, rootlessConfig } from '../../spec/default.ts';
import type { Config } from '../../spec/types.ts';
import { parseConfig } from '../../spec/validate.ts';

const WITHOUT_RUNC = spawnSync('runc', ['--version']).status === 0 ? false : 'runc is not installed';

const CGROUP2_SUPER_MAGIC = 0x63677270;
const unifiedCgroups = statfsSync('/sys/fs/cgroup').type === CGROUP2_SUPER_MAGIC;

suite('the default config', () => {
  test('can be run', async () => {
    const config = defaultConfig({ unifiedCgroups: true });
    assert.deepEqual(await parseConfig(JSON.stringify(config)), config);
  });

  test('has a cgroup namespace on cgroup v2 alone', () => {
    const types = (config: Config) => config.linux?.namespaces?.map(({ type }) => type);
    assert.deepEqual(types(defaultConfig({ unifiedCgroups: false })), ['pid', 'network', 'ipc', 'uts', 'mount']);
    assert.deepEqual(types(defaultConfig({ unifiedCgroups: true })), [
      'pid',
      'network',
      'ipc',
      'uts',
      'mount',
      'cgroup',
    ]);
  });

  test('is made anew each time', () => {
    const [one, other] = [defaultConfig({ unifiedCgroups: true }), defaultConfig({ unifiedCgroups: true })];
    one.process.capabilities?.bounding?.push('CAP_CHOWN');
    assert.equal(other.process.capabilities?.bounding?.length, 3);
    assert.equal(one.process.capabilities?.permitted?.length, 3);
  });

  test("is runc's, but for the hostname", { skip: WITHOUT_RUNC }, () => {
    assert.equal(print(defaultConfig({ unifiedCgroups })), print(asNewRunc(runcSpec())));
  });

  test("is runc's, but for the hostname, rootless", { skip: WITHOUT_RUNC }, () => {
    const uid = process.geteuid?.() ?? 0;
    const gid = process.getegid?.() ?? 0;
    const config = rootlessConfig({ unifiedCgroups, uid, gid });
    assert.equal(print(config), print(asNewRunc(runcSpec('--rootless'))));
  });

  test("maps the caller's ids, rootless", () => {
    const { linux } = rootlessConfig({ unifiedCgroups: false, uid: 1000, gid: 100 });
    assert.deepEqual(linux?.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }]);
    assert.deepEqual(linux?.gidMappings, [{ containerID: 0, hostID: 100, size: 1 }]);
  });
});

/** Compares the order of members, too, since people read the file. */
function print(config: Config): string {
  return JSON.stringify(config, null, '\t');
}

/**
 * What has changed in runc's default since 1.1 (the version of the specification, the ambient capabilities), and the
 * one member that we write differently.
 */
function asNewRunc(config: Config): Config {
  assert.equal(config.hostname, 'runc');
  const { ambient: _, ...capabilities } = config.process?.capabilities ?? {};
  assert.ok(config.process);
  return { ...config, ociVersion: '1.3.0', hostname: 'runchart', process: { ...config.process, capabilities } };
}

function runcSpec(...flags: string[]): Config {
  const folder = mkdtempSync(join(tmpdir(), 'runchart-spec-'));
  try {
    const { status, stderr } = spawnSync('runc', ['spec', ...flags], { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
