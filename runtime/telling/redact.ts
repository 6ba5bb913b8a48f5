/**
 * Leaves out what may be secret: the values of environment variables and of annotations. Their names stay. Pure.
 */

type Members = Readonly<Record<string, unknown>>;

/**
 * @param record of a container, or a part of it
 * @returns the same record: in the place of each annotation's value there is null, and of `NAME=value` in a list of
 * environment variables `NAME` is left
 */
export function withoutValues(record: Members): Members {
  const { annotations, config } = record;
  return {
    ...record,
    ...(annotations !== undefined && { annotations: namesAlone(annotations) }),
    ...(isMembers(config) && { config: configWithoutValues(config) }),
  };
}

function configWithoutValues(config: Members): Members {
  const { annotations, process, hooks } = config;
  return {
    ...config,
    ...(annotations !== undefined && { annotations: namesAlone(annotations) }),
    ...(isMembers(process) && { process: withoutEnv(process) }),
    ...(isMembers(hooks) && { hooks: mapped(hooks, (list) => (Array.isArray(list) ? list.map(withoutEnv) : list)) }),
  };
}

function withoutEnv(program: unknown): unknown {
  if (!isMembers(program) || program.env === undefined) return program;
  const { env } = program;
  return { ...program, env: Array.isArray(env) ? env.map((variable) => String(variable).split('=', 1)[0]) : null };
}

const namesAlone = (annotations: unknown): unknown => (isMembers(annotations) ? mapped(annotations, () => null) : null);

const mapped = (members: Members, change: (value: unknown) => unknown): Members =>
  Object.fromEntries(Object.entries(members).map(([name, value]) => [name, change(value)]));

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
