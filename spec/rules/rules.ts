import type { Config } from '../config/config.ts';
import type { Root } from '../config/mounts.ts';
import type { Process } from '../config/process.ts';
import type { Report } from '../problem.ts';
import { checkHooks } from './hooks.ts';
import { checkLinux } from './linux.ts';
import { checkMounts } from './mounts.ts';
import { checkNamespaces } from './namespaces.ts';
import { checkProcess } from './process.ts';
import { checkSysctls } from './sysctl.ts';
import { checkVersion } from './version.ts';

/** A process that has passed the rules: there is a program to execute. */
export type CheckedProcess = Process & { args: [string, ...string[]] };

/** A config that has passed the rules: there is a program, and a root filesystem. */
export type CheckedConfig = Config & { process: CheckedProcess; root: Root };

/**
 * The rules of the specification that a schema can't express, and those that runc adds, in runc's order. Pure: whatever
 * depends on the host (the rootfs, the cgroups, the caller) is checked where it is used.
 */
export function checkRules(config: Config, report: Report): void {
  checkVersion(config, report);
  if (config.process) checkProcess(config.process, ['process'], report);
  else report(['process'], 'process property must not be empty');
  checkMounts(config, report);
  checkNamespaces(config, report);
  checkSysctls(config, report);
  checkLinux(config, report);
  checkHooks(config, report);
}
