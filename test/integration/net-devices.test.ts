/**
 * Network devices that move into a container. They come from a network namespace that the test made, not from the
 * host's.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Config } from '../../spec/types.ts';
import { noContainers } from './bundle.ts';
import { type Ended, messageOf, RUNCHART } from './command-line.ts';
import { namespaceOf } from './containers.ts';
import { lives, resting } from './lives.ts';

const missing = ['ip', 'nsenter', 'unshare'].find((name) => spawnSync(name, ['--version']).error !== undefined);
const noVeth = (): string | false => {
  const { status } = spawnSync('unshare', [
    '--net',
    'ip',
    'link',
    'add',
    'name',
    'v0',
    'type',
    'veth',
    'peer',
    'name',
    'v1',
  ]);
  return status === 0 ? false : 'this kernel makes no veth devices';
};
const skip = noContainers || (missing === undefined ? noVeth() : `${missing} is not installed`);

interface Shown {
  readonly ifname: string;
  readonly address: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly scope: string }[];
}

describe('network devices', { skip }, () => {
  const host = lives('net-devices');
  /** Lives in the namespace, which lasts as long as the process. */
  let holder: ChildProcess | undefined;
  const pid = (): number => holder?.pid ?? 0;
  const within = (target: number): readonly string[] => ['--net', '--target', String(target)];
  const ip = (...argv: string[]): string =>
    execFileSync('nsenter', [...within(pid()), 'ip', ...argv], { encoding: 'utf8' });
  /** What ip(8) shows of a device in a namespace; undefined if there is none of that name. */
  function shown(target: number, name: string): Shown | undefined {
    const { stdout } = spawnSync('nsenter', [...within(target), 'ip', '-json', 'address', 'show'], {
      encoding: 'utf8',
    });
    return JSON.parse(stdout).find(({ ifname }: Shown) => ifname === name);
  }
  const addresses = (device: Shown | undefined): readonly string[] =>
    (device?.addr_info ?? [])
      .filter(({ scope }) => scope === 'global')
      .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
      .toSorted();

  function runchart(...argv: string[]): Ended {
    const { root } = host.runchart;
    const command = [...within(pid()), RUNCHART, '--root', root, ...argv];
    const { status, stdout, stderr } = spawnSync('nsenter', command, {
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  }

  before(async () => {
    holder = spawn('unshare', ['--net', 'sleep', '1000'], { stdio: 'ignore' });
    while (namespaceOf(pid(), 'net') === namespaceOf('self', 'net')) await setTimeout(10);
  });
  after(async () => {
    holder?.kill('SIGKILL');
    await host.close();
  });
  beforeEach(() => {
    spawnSync('nsenter', [...within(pid()), 'ip', 'link', 'del', 'peer0']);
    ip('link', 'add', 'dev0', 'type', 'veth', 'peer', 'name', 'peer0');
    ip('link', 'set', 'dev0', 'mtu', '1234', 'address', '02:11:22:33:44:55', 'up');
    ip('address', 'add', '10.77.0.2/24', 'broadcast', '10.77.0.255', 'dev', 'dev0');
    ip('address', 'add', '10.78.0.2/32', 'dev', 'dev0');
    // An address that expires does not move to another namespace.
    ip('address', 'add', '10.79.0.2/32', 'valid_lft', '1000', 'preferred_lft', '1000', 'dev', 'dev0');
    spawnSync('nsenter', [...within(pid()), 'ip', 'address', 'add', 'fd77::2/64', 'nodad', 'dev', 'dev0']);
  });
  const lasting = (device: Shown | undefined): readonly string[] =>
    addresses(device).filter((text) => !text.startsWith('10.79.'));

  function configWith(netDevices: NonNullable<Config['linux']>['netDevices'], linux: Config['linux'] = {}): Config {
    const config = resting();
    return { ...config, linux: { ...config.linux, ...linux, netDevices } };
  }
  function start(config: Config): { readonly id: string; readonly pid: number } {
    const id = host.idFor(host.runchart);
    const file = join(host.path, `${id}.output`);
    const bundle = host.bundle(id, config);
    const command = [...within(pid()), RUNCHART, '--root', host.runchart.root, 'run', '-d', '--bundle', bundle, id];
    const ended = spawnSync('sh', ['-c', `exec "$@" > ${file} 2>&1`, 'sh', 'nsenter', ...command], { stdio: 'ignore' });
    assert.equal(ended.status, 0, execFileSync('cat', [file], { encoding: 'utf8' }));
    return { id, pid: JSON.parse(runchart('state', id).stdout).pid };
  }
  function refused(config: Config, message: RegExp): void {
    const id = host.idFor(host.runchart);
    const ended = runchart('create', '--bundle', host.bundle(id, config), id);
    assert.equal(ended.status, 1);
    assert.match(messageOf(ended), message);
    assert.match(messageOf(runchart('state', id)), /does not exist/);
  }

  it('go with their name, addresses and attributes, and are up', () => {
    const was = shown(pid(), 'dev0');
    assert.equal(addresses(was).length, lasting(was).length + 1);
    const { id, pid: init } = start(configWith({ dev0: {} }));
    assert.equal(shown(pid(), 'dev0'), undefined);
    const is = shown(init, 'dev0');
    assert.deepEqual([is?.mtu, is?.address], [1234, '02:11:22:33:44:55']);
    assert.ok(is?.flags.includes('UP'));
    assert.deepEqual(addresses(is), lasting(was));
    assert.ok(shown(pid(), 'peer0'), 'its peer stays');
    assert.match(runchart('exec', id, 'ip', 'address').stdout, /inet 10\.77\.0\.2\/24 brd 10\.77\.0\.255 .*dev0/);
    assert.equal(runchart('delete', '--force', id).status, 0);
    // A virtual device ends with its namespace (network_namespaces(7)), and so does its peer.
    assert.equal(shown(pid(), 'dev0'), undefined);
  });

  it('get another name inside, or one that the kernel makes of a template', () => {
    ip('link', 'add', 'dev1', 'type', 'veth', 'peer', 'name', 'peer1');
    ip('link', 'add', 'dev2', 'type', 'veth', 'peer', 'name', 'peer2');
    const { pid: init } = start(
      configWith({ dev0: { name: 'eth7' }, dev1: { name: 'net%d' }, dev2: { name: 'net%d' } }),
    );
    for (const name of ['eth7', 'net0', 'net1']) assert.ok(shown(init, name)?.flags.includes('UP'), name);
    assert.equal(addresses(shown(init, 'eth7')).includes('10.77.0.2/24'), true);
    for (const name of ['dev0', 'dev1', 'dev2']) assert.equal(shown(pid(), name), undefined, name);
  });

  it('go into a user namespace, and before the sysctls that name them are set', () => {
    const mapping = [{ containerID: 0, hostID: 100_000, size: 1000 }];
    const namespaces = [...(resting().linux?.namespaces ?? []), { type: 'user' as const }];
    const { id, pid: init } = start(
      configWith(
        { dev0: { name: 'eth0' } },
        { namespaces, uidMappings: mapping, gidMappings: mapping, sysctl: { 'net.ipv4.conf.eth0.forwarding': '1' } },
      ),
    );
    assert.deepEqual(addresses(shown(init, 'eth0')).includes('10.77.0.2/24'), true);
    assert.equal(runchart('exec', id, 'cat', '/proc/sys/net/ipv4/conf/eth0/forwarding').stdout, '1\n');
  });

  it('go into a namespace that is joined, by whichever index is free there', () => {
    const first = start(configWith({ dev0: {} }));
    spawnSync('nsenter', [...within(pid()), 'ip', 'link', 'del', 'peer0']);
    ip('link', 'add', 'dev3', 'type', 'veth', 'peer', 'name', 'peer3');
    const config = configWith({ dev3: { name: 'second' } });
    const namespaces = (config.linux?.namespaces ?? []).map((one) =>
      one.type === 'network' ? { ...one, path: `/proc/${first.pid}/ns/net` } : one,
    );
    const second = start({ ...config, linux: { ...config.linux, namespaces } });
    assert.equal(namespaceOf(second.pid, 'net'), namespaceOf(first.pid, 'net'));
    assert.ok(shown(first.pid, 'second')?.flags.includes('UP'));
  });

  it('that cannot go fail create in one line, and are as they were', () => {
    const was = shown(pid(), 'dev0');
    const same = (): void => {
      const is = shown(pid(), 'dev0');
      assert.deepEqual(lasting(is), lasting(was));
      assert.deepEqual([is?.mtu, is?.address, is?.flags], [was?.mtu, was?.address, was?.flags]);
    };
    refused(
      configWith({ missing0: {} }),
      new RegExp(
        'move netDevice missing0 to namespace /proc/\\d+/ns/net: ' +
          'link not found for interface missing0 on runtime namespace: ENODEV: no such device$',
      ),
    );
    refused(configWith({ lo: { name: 'other' } }), /move netDevice lo to namespace \/proc\/\d+\/ns\/net: EINVAL: /);
    refused(
      configWith({ dev0: { name: 'lo' } }),
      /move netDevice dev0 to namespace \/proc\/\d+\/ns\/net: rename it to lo: EEXIST: file exists$/,
    );
    same();
    // By then the first has been moved.
    refused(configWith({ dev0: {}, missing0: {} }), /move netDevice missing0 to namespace/);
    same();
    const config = configWith({ dev0: {} });
    refused({ ...config, process: { ...config.process, cwd: '/', args: ['/no/such'] } }, /exec: "\/no\/such"/);
    same();
    refused(
      configWith({ dev0: { name: 'x' }, peer0: { name: 'x' } }),
      /netDevices.peer0: x is the name of two devices$/,
    );
    const namespaces = (config.linux?.namespaces ?? []).map((one) =>
      one.type === 'network' ? { ...one, path: `/proc/${pid()}/ns/net` } : one,
    );
    refused(
      { ...config, linux: { ...config.linux, namespaces } },
      /unable to move network devices: the container's network namespace is the runtime's own$/,
    );
    same();
  });
});
