import { by, type Covered, testsIn, under, withoutEffect } from '../registry.ts';

const program = testsIn('integration/process.test.ts');
const terminal = testsIn('integration/foreground-terminal.test.ts');
const exec = testsIn('integration/exec.test.ts');
const unit = testsIn('effects/process/process.test.ts');
const ambient = program('ambient capabilities that cannot be raised are told, and left out');
const sets = program('the five capability sets are those of the config, each its own');

export const PROCESS: Covered = {
  'process.terminal': by(terminal('the container’s terminal has the size of the caller’s, whose modes come back')),
  ...under(
    'process.consoleSize',
    ['height', 'width'],
    by(terminal('a terminal without a size leaves the container’s as the config has it')),
  ),
  ...under(
    'process.user',
    ['uid', 'gid', 'umask', 'additionalGids[]'],
    by(program('the user has its ids, additional groups and umask')),
  ),
  ...under(
    'process',
    ['user.username', 'commandLine'],
    withoutEffect('Windows only', program('what is for other systems has no effect')),
  ),
  'process.args[]': by(
    program('the arguments are the program’s, byte for byte'),
    unit('a name is looked for in PATH, and a path is not'),
  ),
  'process.env[]': by(program('the environment is the config’s and no more; a later entry wins')),
  'process.cwd': by(program('the working directory is entered, and made where it is missing')),
  ...under('process.capabilities', ['bounding[]', 'effective[]', 'inheritable[]', 'permitted[]'], by(sets)),
  'process.capabilities.ambient[]': by(sets, ambient),
  ...under('process.rlimits[]', ['type', 'hard', 'soft'], by(program('limits of every kind are those of the config'))),
  'process.noNewPrivileges': by(
    program('no_new_privs is set or not as the config says'),
    exec('joins all that the container is confined by'),
  ),
  'process.oomScoreAdj': by(program('the process has the personality and the oom score of the config')),
};
