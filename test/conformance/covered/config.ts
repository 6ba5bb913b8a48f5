import { by, type Covered, testsIn, under, withoutEffect } from '../registry.ts';

const rules = testsIn('spec/rules.test.ts');
const badInput = testsIn('integration/bad-input.test.ts');
const rootfs = testsIn('integration/rootfs.test.ts');
const namespaces = testsIn('integration/namespaces.test.ts');
const options = testsIn('integration/mounts-every-option.test.ts');
const mounts = testsIn('integration/mounts.test.ts');
const mountOptions = testsIn('integration/mounts-options.test.ts');
const idmap = testsIn('integration/idmap.test.ts');
const hooks = testsIn('integration/hooks.test.ts');
const program = testsIn('integration/process.test.ts');
const cli = testsIn('integration/cli-as-runc.test.ts');
const systemd = testsIn('integration/cgroups-systemd-real.test.ts');

const MAPPING = ['containerID', 'hostID', 'size'];
const HOOKS = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'];

export const CONFIG: Covered = {
  ociVersion: by(badInput('types, versions and values that are wrong are told with their place'), rules('rules')),
  'root.path': by(rootfs('the root is a folder by its absolute path, one relative to the bundle, or behind a link')),
  'root.readonly': by(
    rootfs('a read-only root cannot be written to, what is mounted in it can'),
    rootfs('a writable root is the bundle’s own'),
  ),
  hostname: by(namespaces('the host name is the container’s own, the host keeps its')),
  domainname: by(namespaces('an uts namespace has the host name and the domain name of the config')),
  'mounts[].destination': by(mounts('a missing destination is made, once, and stays')),
  'mounts[].type': by(mounts('the default mounts are what the config says')),
  'mounts[].source': by(mounts('a relative source starts from the bundle')),
  'mounts[].options[]': by(
    options('every mount option'),
    mountOptions('remount'),
    mountOptions('tmpcopyup'),
    mountOptions('options about symbolic links'),
    idmap('an id-mapped mount'),
  ),
  ...under('mounts[].uidMappings[]', MAPPING, by(idmap('maps users and groups each by their own lines'))),
  ...under('mounts[].gidMappings[]', MAPPING, by(idmap('maps users and groups each by their own lines'))),
  ...Object.assign(
    {},
    ...HOOKS.map((name) => ({
      ...under(
        `hooks.${name}[]`,
        ['path', 'args[]', 'env[]'],
        by(hooks('of each kind have the arguments and the environment that they are given')),
      ),
      [`hooks.${name}[].timeout`]: by(hooks('that hang are killed once their time is over')),
    })),
  ),
  'annotations.*': by(
    hooks('are told the state: status and pid of their moment, bundle, annotations'),
    cli('a life looks the same at every step'),
    systemd('a scope with limits, from its birth to its end'),
  ),
};

/** Everything below a field, where nothing of it is acted upon. */
export const SECTIONS: Covered = {
  freebsd: withoutEffect('FreeBSD only', program('what is for other systems has no effect')),
};
