/**
 * What the test machine is made of: Debian with systemd, all cgroup controllers in one v2 hierarchy, and AppArmor. A
 * change here makes a new image.
 */
import { createHash } from 'node:crypto';

export interface Recipe {
  /** The release of Debian; by default the one of this machine. */
  readonly suite?: string;
  readonly packages: readonly string[];
  readonly kernel: string;
  /** The modules that the first root file system loads, to find the disks. */
  readonly bootModules: readonly string[];
  /** Folders of packages that nobody reads in the machine. */
  readonly leftOut: readonly string[];
  /** Texts by their paths. */
  readonly files: Readonly<Record<string, string>>;
  /** Each is performed with the path of the new root as `$1`. */
  readonly hooks: readonly string[];
}

export const RECIPE: Recipe = {
  packages: [
    'systemd-sysv',
    'dbus',
    'dbus-user-session',
    'libpam-systemd',
    'apparmor',
    'busybox-static',
    'containerd',
    'criu',
    'iproute2',
    // CRIU needs it to hold packets back while it works.
    'iptables',
    'kmod',
    'procps',
    'runc',
    'uidmap',
  ],
  /** The cloud flavour is a third of the size, and has all that containers need. */
  kernel: 'linux-image-cloud-amd64',
  bootModules: ['virtio_pci', 'virtio_blk'],
  leftOut: [
    ...['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*', '/usr/share/info/*'],
    // Shims of older containerds.
    ...['/usr/bin/containerd-shim', '/usr/bin/containerd-shim-runc-v1'],
  ],
  files: {
    '/etc/hostname': 'testvm\n',
    '/etc/hosts': '127.0.0.1 localhost testvm\n',
    // If this were unset, systemd would take it for a first boot.
    '/etc/machine-id': '0123456789abcdef0123456789abcdef\n',
    '/etc/fstab': '',
    // CRIU gives up after 10 s by itself. This machine is emulated, and may have little of a processor.
    '/etc/criu/default.conf': 'timeout 600\n',
    // systemd sets these for units with limits. Otherwise it takes controllers away that containers of the fs driver
    // use.
    '/etc/systemd/system.conf.d/accounting.conf':
      '[Manager]\nDefaultCPUAccounting=yes\nDefaultIOAccounting=yes\nDefaultMemoryAccounting=yes\n' +
      'DefaultTasksAccounting=yes\nDefaultTimeoutStartSec=600\n',
    '/etc/systemd/journald.conf.d/console.conf': '[Journal]\nStorage=volatile\n',
    '/etc/systemd/system/runchart-tests.service': `[Unit]
Description=The tests of runchart
After=dbus.socket systemd-logind.service
[Service]
Type=oneshot
AllowedCPUs=0-1
Environment=BUN_JSC_useJIT=0 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
ExecStartPre=mount -o ro /dev/vdb /repository
ExecStart=/repository/node_modules/.bin/bun /repository/test/vm/guest/main.ts
ExecStopPost=systemctl poweroff --force --force
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
[Install]
WantedBy=multi-user.target
`,
  },
  hooks: [
    'mkdir "$1/repository"',
    'chroot "$1" useradd --create-home --uid 1000 --shell /bin/sh tester',
    'chroot "$1" systemctl enable runchart-tests.service',
    // These services cost seconds, and nothing here needs them.
    `chroot "$1" systemctl mask ${[
      'systemd-udevd.service',
      'systemd-udev-trigger.service',
      'systemd-timesyncd.service',
      'systemd-networkd.service',
      'systemd-binfmt.service',
      'apparmor.service',
      // Tests start a containerd of their own.
      'containerd.service',
      'getty@tty1.service',
      'serial-getty@ttyS0.service',
      'e2scrub_reap.service',
      'e2scrub_all.timer',
      'fstrim.timer',
      'apt-daily.timer',
      'apt-daily-upgrade.timer',
      'dpkg-db-backup.timer',
      'logrotate.timer',
    ].join(' ')} 2>/dev/null`,
  ],
};

/** @returns the name of the image that a recipe makes */
export function recipeKey(recipe: unknown): string {
  return createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 16);
}
