/**
 * Mount options of config.json (config.md, "Mounts"; fstab(5), mount(8)), sorted by what they act on. An option that is
 * not known is passed on to the file system.
 */

import { MOUNT_ATTR, MS } from '../../native/constants/mount.ts';

/** MOUNT_ATTR_* flags to set and to clear. */
export interface AttributeChange {
  readonly set: number;
  readonly clear: number;
}

export interface LinkOptions {
  /** The link itself is bound. */
  readonly source: boolean;
  /** The mount is on the link itself. */
  readonly destination: boolean;
  /** If the source is a link, the same link is made at the destination, and nothing is mounted. */
  readonly copy: boolean;
}

export interface MountOptions {
  /** Attributes of the mount itself. `clear` holds what an option takes away explicitly (`rw`, `suid`, …). */
  readonly attributes: AttributeChange;
  /** Attributes of the mount and of everything mounted below it (`rro`, `rnosuid`, …). */
  readonly recursive: AttributeChange;
  /** MS_SHARED, MS_SLAVE and so on, in the order of the options; `recursive` for `rshared`. */
  readonly propagation: readonly { readonly type: number; readonly recursive: boolean }[];
  readonly bind: 'no' | 'bind' | 'rbind';
  readonly remount: boolean;
  /** Copy what the mount covers into it (tmpfs only). */
  readonly copyUp: boolean;
  readonly idmap: 'no' | 'idmap' | 'ridmap';
  /** What is done with symbolic links of a bind, at the end of its source and of its destination; as in crun. */
  readonly links: LinkOptions;
  /** For the file system: `size=64k` → ['size', '64k'], `newinstance` → ['newinstance', undefined]. */
  readonly parameters: readonly (readonly [key: string, value: string | undefined])[];
}

const { RDONLY, NOSUID, NODEV, NOEXEC, NOATIME, STRICTATIME, RELATIME, NODIRATIME, NOSYMFOLLOW, ATIME } = MOUNT_ATTR;

const sets = (bits: number): AttributeChange => ({ set: bits, clear: 0 });
const clears = (bits: number): AttributeChange => ({ set: 0, clear: bits });
/** There is one access time mode: its field is cleared, then set (mount_setattr(2)). */
const atime = (mode: number): AttributeChange => ({ set: mode, clear: ATIME });

const ATTRIBUTES: Readonly<Record<string, AttributeChange>> = {
  ro: sets(RDONLY),
  rw: clears(RDONLY),
  nosuid: sets(NOSUID),
  suid: clears(NOSUID),
  nodev: sets(NODEV),
  dev: clears(NODEV),
  noexec: sets(NOEXEC),
  exec: clears(NOEXEC),
  noatime: atime(NOATIME),
  atime: atime(RELATIME),
  relatime: atime(RELATIME),
  norelatime: atime(RELATIME),
  strictatime: atime(STRICTATIME),
  nostrictatime: atime(RELATIME),
  nodiratime: sets(NODIRATIME),
  diratime: clears(NODIRATIME),
  nosymfollow: sets(NOSYMFOLLOW),
  symfollow: clears(NOSYMFOLLOW),
};

/**
 * Options that only take an earlier option back. mount(2) keeps the access time mode of a mount if no other is asked
 * for, and so do runc and crun. The recursive forms (`ratime`) do set a mode, as mount_setattr(2) does.
 */
const TAKES_BACK: Readonly<Record<string, number>> = {
  atime: NOATIME,
  norelatime: RELATIME,
  nostrictatime: STRICTATIME,
  diratime: NODIRATIME,
};

const PROPAGATION: Readonly<Record<string, number>> = {
  private: MS.PRIVATE,
  shared: MS.SHARED,
  slave: MS.SLAVE,
  unbindable: MS.UNBINDABLE,
};

/** Flags of the file system as a whole. */
const SUPERBLOCK = new Set(['sync', 'dirsync', 'lazytime', 'mand']);
/** `defaults`, and options that mount(8) knows but the kernel does not. */
const WITHOUT_EFFECT = new Set([
  'defaults',
  'async',
  'nolazytime',
  'nomand',
  'loud',
  'silent',
  'acl',
  'noacl',
  'iversion',
  'noiversion',
]);

export function parseMountOptions(options: readonly string[]): MountOptions {
  let attributes = { set: 0, clear: 0 };
  let recursive = { set: 0, clear: 0 };
  let bind: MountOptions['bind'] = 'no';
  let idmap: MountOptions['idmap'] = 'no';
  let remount = false;
  let copyUp = false;
  const links = { source: false, destination: false, copy: false };
  const propagation: { type: number; recursive: boolean }[] = [];
  const parameters: [string, string | undefined][] = [];

  for (const option of options) {
    const back = TAKES_BACK[option];
    const own = ATTRIBUTES[option];
    const below = option.startsWith('r') ? ATTRIBUTES[option.slice(1)] : undefined;
    const type = PROPAGATION[option];
    const typeBelow = option.startsWith('r') ? PROPAGATION[option.slice(1)] : undefined;
    if (back !== undefined) attributes = takeBack(attributes, back);
    else if (own !== undefined) attributes = combine(attributes, own);
    else if (below !== undefined) recursive = combine(recursive, below);
    else if (type !== undefined) propagation.push({ type, recursive: false });
    else if (typeBelow !== undefined) propagation.push({ type: typeBelow, recursive: true });
    // As flags of mount(2), MS_REC stays once it is set: `bind` after `rbind` takes nothing back.
    else if (option === 'bind') bind = bind === 'rbind' ? bind : option;
    else if (option === 'rbind') bind = option;
    else if (option === 'idmap' || option === 'ridmap') idmap = option;
    else if (option === 'remount') remount = true;
    else if (option === 'tmpcopyup') copyUp = true;
    else if (option === 'src-nofollow') links.source = true;
    else if (option === 'dest-nofollow') links.destination = true;
    else if (option === 'copy-symlink') links.copy = true;
    else if (SUPERBLOCK.has(option)) parameters.push([option, undefined]);
    else if (!WITHOUT_EFFECT.has(option) && option !== '') parameters.push(parameter(option));
  }
  return { attributes, recursive, propagation, bind, remount, copyUp, idmap, links, parameters };
}

/**
 * The attributes that options do not ask for. Where the options ask for some attributes of a mount that exists already,
 * they take all others away: mount(2) with MS_REMOUNT does so, and runc and crun. So `ro` on a `noexec` source lets its
 * programs be executed. Access times are left alone unless an option names them.
 */
export function unasked({ set, clear }: AttributeChange): number {
  const times = ((set | clear) & (ATIME | NODIRATIME)) === 0 ? 0 : ATIME | NODIRATIME;
  return (RDONLY | NOSUID | NODEV | NOEXEC | NOSYMFOLLOW | times) & ~(set | clear);
}

/** The later option wins over an earlier one on the same bits. */
function combine(before: AttributeChange, next: AttributeChange): AttributeChange {
  const touched = next.set | next.clear;
  return { set: (before.set & ~touched) | next.set, clear: (before.clear & ~next.set) | next.clear };
}

function takeBack({ set, clear }: AttributeChange, bits: number): AttributeChange {
  if (bits === NODIRATIME) return { set: set & ~NODIRATIME, clear };
  const isAsked = (clear & ATIME) !== 0 && (set & ATIME) === bits;
  return isAsked ? { set: set & ~ATIME, clear: clear & ~ATIME } : { set, clear };
}

function parameter(option: string): [string, string | undefined] {
  const equals = option.indexOf('=');
  return equals < 0 ? [option, undefined] : [option.slice(0, equals), option.slice(equals + 1)];
}
