/**
 * Finds fields that are spelt with other capitals than their own, such as `pagesize`. runc (Go) obeys them, so we must
 * not ignore them in silence. Every config is looked at, and so this does without its schema, which would have to be
 * loaded.
 */

// To split this by a regular expression cost every creation 0.3 ms.
const NAMES =
  'access action additionalGids allow ambient annotations apparmorProfile architectures args blockIO boottime ' +
  'bounding burst capabilities cgroupsPath checkBeforeUpdate chflags class classID closID commandLine consoleSize ' +
  'containerID cpu cpus createContainer createRuntime cwd deadline defaultAction defaultErrnoRet destination ' +
  'devices disableOOMKiller domain domainname effective enableMonitoring enforceStatfs env errnoRet ' +
  'execCPUAffinity fileMode final flags freebsd gid gidMappings hard hcaHandles hcaObjects height hooks host ' +
  'hostID hostname hugepageLimits idle index inheritable initial intelRdt interface ioPriority ip4 ip4Addr ip6 ' +
  'ip6Addr jail kernel kernelTCP l3CacheSchema leafWeight limit linux listenerMetadata listenerPath major ' +
  'maskedPaths memBwSchema memory memoryPolicy mems minor mlock mode monotonic mount mountLabel mounts name names ' +
  'namespaces nanosecs netDevices network nice noNewPrivileges nodes ociVersion oomScoreAdj op options pageSize ' +
  'parent path period permitted personality pids policy poststart poststop prestart priorities priority process ' +
  'quota quotas rate rawSockets rdma readonly readonlyPaths realtimePeriod realtimeRuntime reservation ' +
  'reservedPorts resources rlimits root rootfsPropagation runtime scheduler schemata seccomp secs selinuxLabel ' +
  'setHostname shares size socketAf soft source startContainer suser swap swappiness syscalls sysctl sysvmsg ' +
  'sysvsem sysvshm terminal throttleReadBpsDevice throttleReadIOPSDevice throttleWriteBpsDevice ' +
  'throttleWriteIOPSDevice timeOffsets timeout type uid uidMappings umask unified useHierarchy user username ' +
  'value valueTwo vnet vnetInterfaces weight weightDevice width';

/** The names of all fields of config.json and process.json. */
export const FIELD_NAMES: ReadonlySet<string> = new Set(NAMES.split(' '));

let small: ReadonlySet<string> | undefined;

/** Computed when first needed: most configs have only names of fields. */
const isFieldInSmallLetters = (name: string): boolean => {
  small ??= new Set(NAMES.toLowerCase().split(' '));
  return small.has(name);
};

/** It is also true where a key of a map, such as an annotation, merely looks like a field's name. */
export function mayBeMisspelt(value: object): boolean {
  if (Array.isArray(value)) return isObject(value[0]) && value.some((item) => isObject(item) && mayBeMisspelt(item));
  // Object.entries would be slower here: this runs before the engine has compiled it.
  for (const key in value) {
    if (!FIELD_NAMES.has(key) && isFieldInSmallLetters(key.toLowerCase())) return true;
    const item: unknown = Reflect.get(value, key);
    if (isObject(item) && mayBeMisspelt(item)) return true;
  }
  return false;
}

export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
