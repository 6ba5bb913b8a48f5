import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { completedProcess, type ExecOverrides, overriddenProcess } from '../../../runtime/operations/exec-process.ts';
import { defaultConfig } from '../../../spec/default.ts';
import type { ContainerRecord } from '../../../spec/record.ts';
import type { Process } from '../../../spec/types.ts';

function recordWith(process: Partial<Process>): ContainerRecord {
  const config = defaultConfig({ unifiedCgroups: true });
  return {
    ...{
      id: 'c',
      bundle: '/b',
      root: '/r',
      ociVersion: '',
      rootfs: '/b/rootfs',
      created: '',
      owner: 0,
      annotations: {},
    },
    config: { ...config, process: { ...config.process, ...process } },
    options: { noPivot: false, noNewKeyring: false, systemdCgroup: false, preserveFds: 0 },
    begun: [],
    reached: 'running',
    leftovers: [],
  };
}

const asked = (process: Partial<Process>, overrides: Partial<ExecOverrides>) =>
  overriddenProcess(recordWith(process), { args: ['true'], terminal: false, ...overrides });

describe('the process of exec', () => {
  it('is the container’s own, except for its program and its terminal', () => {
    const record = recordWith({ terminal: true, env: ['A=1'], umask: 0o27 } as Partial<Process>);
    const { args, terminal, ...rest } = overriddenProcess(record, { args: ['a', '-b'], terminal: false });
    assert.deepEqual([args, terminal], [['a', '-b'], false]);
    const { args: _, terminal: __, ...own } = record.config.process ?? { cwd: '' };
    assert.deepEqual(rest, { ...own, user: { ...own.user, additionalGids: [] } });
    assert.throws(() => overriddenProcess(record, { args: [], terminal: false }), {
      message: 'exec args cannot be empty',
    });
  });

  it('gets what the flags ask for', () => {
    assert.deepEqual(asked({ env: ['A=1'] }, { env: ['B=2'] }).env, ['A=1', 'B=2']);
    assert.equal(asked({}, { cwd: '' }).cwd, '/');
    assert.deepEqual(
      asked({ user: { uid: 1, gid: 2, additionalGids: [3] } }, { user: '5', additionalGids: [6] }).user,
      {
        uid: 5,
        gid: 2,
        additionalGids: [3, 6],
      },
    );
    assert.deepEqual(asked({}, { user: '5:6' }).user, { uid: 5, gid: 6, additionalGids: [] });
    assert.equal(asked({ noNewPrivileges: true }, {}).noNewPrivileges, true);
    assert.equal(asked({ noNewPrivileges: true }, { noNewPrivileges: false }).noNewPrivileges, false);
  });

  it('gets more capabilities, ambient ones only where some are inheritable', () => {
    const own = { bounding: ['CAP_KILL'], effective: [], permitted: ['CAP_KILL'] };
    assert.deepEqual(asked({ capabilities: own }, { capabilities: ['CAP_CHOWN'] }).capabilities, {
      bounding: ['CAP_KILL', 'CAP_CHOWN'],
      effective: ['CAP_CHOWN'],
      permitted: ['CAP_KILL', 'CAP_CHOWN'],
    });
    const inheriting = { ...own, inheritable: ['CAP_KILL'] };
    assert.deepEqual(asked({ capabilities: inheriting }, { capabilities: ['CAP_CHOWN'] }).capabilities?.ambient, [
      'CAP_CHOWN',
    ]);
  });

  it('refuses a text that is no id', () => {
    for (const [overrides, message] of [
      [{ user: 'root' }, 'bad uid: strconv.Atoi: parsing "root": invalid syntax'],
      [{ user: '0:' }, 'bad gid: strconv.Atoi: parsing "": invalid syntax'],
      [{ user: ':5' }, 'bad uid: strconv.Atoi: parsing "": invalid syntax'],
      [{ user: '4294967296' }, 'bad uid: strconv.Atoi: parsing "4294967296": value out of range'],
      [{ additionalGids: [-1] }, 'additional-gids must be a positive number -1'],
    ] as const)
      assert.throws(() => asked({}, overrides), { message });
  });

  it('gets the container’s rights where a process.json says nothing, and no more', () => {
    const capabilities = { bounding: ['CAP_KILL'] };
    const record = recordWith({ capabilities, user: { umask: 0o77 } });
    const given: Process = { cwd: '/', args: ['x'] };
    assert.deepEqual(completedProcess(record, given), { ...given, capabilities, user: { umask: 0o77 } });
    const { config } = recordWith({});
    const { capabilities: _, ...bare } = config.process ?? { cwd: '/' };
    const without = { ...record, config: { ...config, process: bare } };
    assert.deepEqual(completedProcess(without, given).capabilities, {});
    assert.deepEqual(completedProcess(record, { ...given, capabilities: {} }).capabilities, {});
  });

  it('is scheduled and labelled like the container’s where a process.json does not say how', () => {
    const own = {
      scheduler: { policy: 'SCHED_BATCH' },
      ioPriority: { class: 'IOPRIO_CLASS_IDLE' },
      execCPUAffinity: { initial: '0' },
      apparmorProfile: 'p',
      selinuxLabel: 'l',
    } as const;
    const record = recordWith(own);
    const bare = { cwd: '/', args: ['x'], apparmorProfile: '', execCPUAffinity: { final: '' } };
    const { capabilities: _, user: __, ...rest } = completedProcess(record, bare);
    assert.deepEqual(rest, { ...bare, ...own });
    const other = {
      ...{ cwd: '/', args: ['x'], apparmorProfile: 'q', selinuxLabel: 'm', execCPUAffinity: { final: '1' } },
      ...({ scheduler: { policy: 'SCHED_IDLE' }, ioPriority: { class: 'IOPRIO_CLASS_BE' } } as const),
    };
    const { capabilities: ___, user: ____, ...asked } = completedProcess(record, other);
    assert.deepEqual(asked, other);
  });
});
