/**
 * What is checked, and the sentence that asks for it. The sentences are those of the OCI runtime specification as of
 * April 2026, without its links. A rule without one is runc's behaviour.
 */

export interface Rule {
  /** What the report calls it. */
  readonly title: string;
  /** The sentence, and where it stands: "runtime.md, Start". */
  readonly sentence?: string;
  readonly where?: string;
}

const specified = (title: string, where: string, sentence: string): Rule => ({ title, where, sentence });

const hookFails = (name: string, step: number): Rule =>
  specified(
    `a failed ${name} hook ends the container`,
    `runtime.md, Lifecycle, step ${step}`,
    `If any \`${name}\` hook fails, the runtime MUST generate an error, stop the container, ` +
      'and continue the lifecycle at step 12.',
  );

export const RULES = {
  supports: specified(
    'the operation is supported where it is permitted',
    'runtime.md, Operations',
    'Unless otherwise stated, runtimes MUST support the following operations.',
  ),
  create: specified('create makes a container', 'runtime.md, Create', 'This operation MUST create a new container.'),
  unique: specified(
    'create refuses a name that is taken or that is none',
    'runtime.md, Create',
    'If the ID provided is not unique across all containers within the scope of the runtime, or is not valid in any ' +
      'other way, the implementation MUST generate an error and a new container MUST NOT be created.',
  ),
  applies: specified(
    'create fails if it cannot do what config.json says',
    'runtime.md, Create',
    'If the runtime cannot apply a property as specified in the configuration, it MUST generate an error and a new ' +
      'container MUST NOT be created.',
  ),
  waits: specified(
    'the program does not run before start',
    'runtime.md, Lifecycle, step 2',
    'While the resources requested in the config.json MUST be created, the user-specified program (from process) ' +
      'MUST NOT be run at this time.',
  ),
  settled: specified(
    'changes of config.json after create do nothing',
    'runtime.md, Lifecycle, step 2',
    'Any updates to config.json after this step MUST NOT affect the container.',
  ),
  starts: specified(
    'start runs the program',
    'runtime.md, Start',
    'This operation MUST run the user-specified program as specified by process.',
  ),
  startRefused: specified(
    'start is refused unless the container is created',
    'runtime.md, Start',
    'Attempting to start a container that is not created MUST have no effect on the container and MUST generate an ' +
      'error.',
  ),
  signals: specified(
    'kill sends the signal',
    'runtime.md, Kill',
    'This operation MUST send the specified signal to the container process.',
  ),
  killRefused: specified(
    'kill is refused unless the container is created or running',
    'runtime.md, Kill',
    'Attempting to send a signal to a container that is neither created nor running MUST have no effect on the ' +
      'container and MUST generate an error.',
  ),
  deletes: specified(
    'delete removes what create has made',
    'runtime.md, Delete',
    'Deleting a container MUST delete the resources that were created during the create step.',
  ),
  deleteRefused: specified(
    'delete is refused unless the container is stopped',
    'runtime.md, Delete',
    'Attempting to delete a container that is not stopped MUST have no effect on the container and MUST generate an ' +
      'error.',
  ),
  stateKnown: specified(
    'state shows the container',
    'runtime.md, Query State',
    'This operation MUST return the state of a container as specified in the State section.',
  ),
  stateUnknown: specified(
    'state of no container is an error',
    'runtime.md, Query State',
    'Attempting to query a container that does not exist MUST generate an error.',
  ),
  stateForm: specified(
    'the state has the form of the schema',
    'runtime.md, State',
    'When serialized in JSON, the format MUST adhere to the JSON Schema schema/state-schema.json.',
  ),
  pid: specified(
    'the pid is that of the container process',
    'runtime.md, State',
    'pid (int, REQUIRED when status is created or running on Linux, OPTIONAL on other platforms) is the ID of the ' +
      'container process.',
  ),
  bundle: specified(
    'the state names the bundle',
    'runtime.md, State',
    "bundle (string, REQUIRED) is the absolute path to the container's bundle directory.",
  ),
  created: specified(
    'a created container is created',
    'runtime.md, State',
    'created: the runtime has finished the create operation (after step 2 in the lifecycle), and the container ' +
      'process has neither exited nor executed the user-specified program.',
  ),
  running: specified(
    'a running container is running',
    'runtime.md, State',
    'running: the container process has executed the user-specified program but has not exited (after step 8 in the ' +
      'lifecycle).',
  ),
  stopped: specified(
    'a stopped container is stopped',
    'runtime.md, State',
    'stopped: the container process has exited (step 10 in the lifecycle).',
  ),
  noEffect: specified(
    'what is refused changes nothing',
    'runtime.md, Errors',
    'Unless otherwise stated, generating an error MUST leave the state of the environment as if the operation were ' +
      'never attempted - modulo any possible trivial ancillary changes such as logging.',
  ),
  hooksOrder: specified(
    'the hooks are called, each at its time',
    'config.md, POSIX-platform Hooks',
    'Hooks MUST be called in the listed order.',
  ),
  hooksState: specified(
    'hooks are given the state',
    'config.md, POSIX-platform Hooks',
    'The state of the container MUST be passed to hooks over stdin so that they may do work appropriate to the ' +
      'current state of the container.',
  ),
  prestartFails: hookFails('prestart', 3),
  createRuntimeFails: hookFails('createRuntime', 4),
  createContainerFails: hookFails('createContainer', 5),
  startContainerFails: hookFails('startContainer', 7),
  poststartFails: hookFails('poststart', 9),
  poststopFails: specified(
    'a failed poststop hook is a warning',
    'runtime.md, Lifecycle, step 13',
    'If any `poststop` hook fails, the runtime MUST log a warning, but the remaining hooks and lifecycle continue as ' +
      'if the hook had succeeded.',
  ),
  oneAfterTheOther: specified(
    'two commands at once come one after the other, or one is refused',
    'runtime.md, Errors',
    'Unless otherwise stated, generating an error MUST leave the state of the environment as if the operation were ' +
      'never attempted - modulo any possible trivial ancillary changes such as logging.',
  ),
  answers: { title: 'every command ends' },
  listed: { title: 'list shows the container as state does' },
  freezes: { title: 'pause freezes the cgroup, and resume thaws it' },
  updates: { title: 'update writes the limit' },
  executes: { title: "exec ends with its program's exit status" },
  refuses: { title: 'what the state does not permit is refused' },
  permits: { title: 'what the state permits succeeds' },
  paused: { title: 'a paused container is paused' },
  forced: { title: 'delete --force removes every container' },
} as const satisfies Readonly<Record<string, Rule>>;

export type RuleName = keyof typeof RULES;

export const ruleOf = (name: RuleName): Rule => RULES[name];
