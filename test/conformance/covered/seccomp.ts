import { by, type Covered, testsIn, under } from '../registry.ts';

const container = testsIn('integration/seccomp.test.ts');
const profile = testsIn('integration/seccomp-architectures.test.ts');
const load = testsIn('effects/seccomp/load.test.ts');
const translate = testsIn('effects/seccomp/translate.test.ts');
const at = 'linux.seccomp';

const args = by(load('arguments are compared in all 64 bits'));
const agent = by(container('an agent decides on the calls of the process'));

export const SECCOMP: Covered = {
  [`${at}.defaultAction`]: by(
    load('a call that the profile does not name meets the default action, and a newer one fails with ENOSYS'),
    load('every default action does what its name says'),
    container('a profile that cannot be compiled fails create, and nothing is left'),
  ),
  [`${at}.defaultErrnoRet`]: by(
    load('a call that the profile does not name meets the default action, and a newer one fails with ENOSYS'),
  ),
  [`${at}.architectures[]`]: by(
    profile('calls of architectures that the profile names pass, and others end the process'),
    profile('a filter is compiled for every architecture, or refused with the reason'),
  ),
  [`${at}.flags[]`]: by(load('the flags that the kernel has are loaded with the filter')),
  [`${at}.listenerPath`]: agent,
  [`${at}.listenerMetadata`]: agent,
  [`${at}.syscalls[].names[]`]: by(container('the process is under its filter, with and without no_new_privs')),
  [`${at}.syscalls[].action`]: by(
    load('ERRNO answers in the place of the call, with EPERM where the profile names no errno'),
    load('LOG lets the call take place, and TRACE without a tracer fails it with ENOSYS'),
    load('KILL, KILL_THREAD, KILL_PROCESS and TRAP end the process by SIGSYS'),
    container('an agent decides on the calls of the process'),
    translate('actions have the values of the kernel, with their errno'),
  ),
  [`${at}.syscalls[].errnoRet`]: by(
    load('ERRNO answers in the place of the call, with EPERM where the profile names no errno'),
  ),
  ...under(`${at}.syscalls[].args[]`, ['index', 'value', 'valueTwo'], args),
  [`${at}.syscalls[].args[].op`]: args,
};
