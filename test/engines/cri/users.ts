/** Pods with a user namespace of their own. */

import { chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cri } from './client.ts';
import { ending } from './kubelet.ts';
import { OURS, type Story } from './story.ts';

const WAIT = 'while :; do sleep 1; done';

/** Each handler has a range of its own, since containerd makes images for a range, and not for two pods at once. */
const mapping = (handler: string) => [
  { host_id: handler === OURS ? 200_000 : 300_000, container_id: 0, length: 65_536 },
];

function security(handler: string) {
  const ids = mapping(handler);
  const userns_options = { mode: 'POD', uids: ids, gids: ids };
  return { namespace_options: { network: 'POD', pid: 'CONTAINER', ipc: 'POD', userns_options } };
}

interface Handler {
  readonly name: string;
  readonly features: { readonly user_namespaces: boolean } | null;
}

const handlersOf = async (cri: Cri): Promise<readonly Handler[]> =>
  (await cri.call<{ runtime_handlers?: Handler[] }>('Status', {})).runtime_handlers ?? [];

/** Such a containerd also gives mounts mappings of their own. */
const tellsFeatures: Story['skip'] = async (cri) =>
  (await handlersOf(cri)).some(({ features }) => features?.user_namespaces)
    ? false
    : 'this containerd does not ask runtimes for their features';

export const users: readonly Story[] = [
  {
    title: 'a pod with a user namespace, which its containers share',
    // 1.6 knows the message and does nothing about it.
    skip: async (cri) =>
      cri.knows('RuntimeHandlerFeatures') ? false : 'this containerd has no user namespaces for pods',
    async play({ pod, handler }) {
      const mapped = security(handler);
      const one = await pod('users', { security: mapped });
      const main = await one.run('main', WAIT, { security: mapped });
      const other = await one.run('other', 'exit 3', { security: mapped });
      const user = await one.run('user', WAIT, { security: { ...mapped, run_as_user: { value: 1000 } } });
      const ids = 'id -u; cat /proc/self/uid_map; stat -c "%u %g" / /etc/passwd; mkdir /made && echo made';
      const see = 'id -u; readlink /proc/self/ns/user; hostname; test -w /etc/passwd || echo not writable';
      const [first = '', second = ''] = [await main.shell(see), await user.shell(see)];
      const namespace = /user:\[\d+\]/;
      return {
        ids: (await main.shell(ids)).replace(/ +/g, ' ').replace('300000', '200000').split('\n'),
        shared: namespace.exec(first)?.[0] === namespace.exec(second)?.[0],
        user: second.replace(namespace, 'NAMESPACE').split('\n'),
        other: ending(await other.ended()),
        probe: await main.probe(['sh', '-c', 'exit 4'], 10),
      };
    },
    expected: {
      ids: ['0', ' 0 200000 65536', '0 0', '0 0', 'made', ''],
      shared: true,
      user: ['1000', 'NAMESPACE', 'users', 'not writable', ''],
      other: { state: 'CONTAINER_EXITED', exit_code: 3, reason: 'Error', message: '' },
      probe: { exit_code: 4, stdout: '', stderr: '' },
    },
  },
  {
    title: 'a volume of a pod with a user namespace has the pod’s ids',
    skip: tellsFeatures,
    async play({ pod, folder, handler }) {
      const ids = mapping(handler);
      const volume = join(folder, 'volume');
      mkdirSync(volume, { mode: 0o777 });
      writeFileSync(join(volume, 'file'), 'text\n');
      chownSync(join(volume, 'file'), 1000, 1000);
      const one = await pod('mapped', { security: security(handler) });
      const mounts = [{ container_path: '/volume', host_path: volume, uidMappings: ids, gidMappings: ids }];
      const main = await one.run('main', WAIT, { security: security(handler), more: { mounts } });
      const seen = await main.shell('cd /volume; stat -c "%u %g" file; touch made; stat -c "%u %g" made');
      const { uid, gid } = statSync(join(volume, 'made'));
      return [seen.split('\n'), uid, gid];
    },
    expected: [['1000 1000', '0 0', ''], 0, 0],
  },
  {
    title: 'what the node says of its handlers: features that a kubelet asks for',
    skip: tellsFeatures,
    async play({ cri, handler }) {
      return (await handlersOf(cri)).find(({ name }) => name === handler)?.features;
    },
    expected: { recursive_read_only_mounts: true, user_namespaces: true },
  },
];
