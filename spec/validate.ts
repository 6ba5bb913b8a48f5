import { type Check, type Checks, compiled, type Documents } from './compiled.ts';
import type { Config } from './config/config.ts';
import type { Process } from './config/process.ts';
import type { Features } from './features.ts';
import { isObject, mayBeMisspelt } from './field-names.ts';
import { parseJson, parseJsonQuickly } from './json.ts';
import { type Report, SpecError } from './problem.ts';
import { checkProcess } from './rules/process.ts';
import { type CheckedConfig, type CheckedProcess, checkRules } from './rules/rules.ts';
import type { State } from './state.ts';

/** What a document is called in errors, and the compiled validators to use (the build's, where it made some). */
type ParseOptions = { readonly document?: string; readonly checks?: Partial<Checks> };

/**
 * A config.json's text as a config that can be run: its shape (spec/config/) and the rules (spec/rules/).
 * Unknown fields are ignored, and kept; those whose capitals alone are others are known.
 * @throws {SpecError} the first thing wrong, as `config.json: process.args[0]: must be a string`
 */
export async function parseConfig(text: string, options: ParseOptions = {}): Promise<CheckedConfig> {
  const { document = 'config.json' } = options;
  const config = await parseShaped('config', text, document, options);
  assertConfig(config, document);
  return config;
}

/** The same for a value that is no text: a library's caller builds its config itself. */
export async function checkConfig(value: unknown, options: ParseOptions = {}): Promise<CheckedConfig> {
  const { document = 'config.json' } = options;
  const config = await shaped('config', value, document, options);
  assertConfig(config, document);
  return config;
}

/** The process.json of `exec --process`: the process object alone. @throws {SpecError} */
export async function parseProcess(text: string, options: ParseOptions = {}): Promise<CheckedProcess> {
  const { document = 'process.json' } = options;
  const process = await parseShaped('process', text, document, options);
  assertProcess(process, document);
  return process;
}

/** An OCI state, as `state` prints it and hooks read it, of any runtime. @throws {SpecError} */
export async function parseState(text: string, options: ParseOptions = {}): Promise<State> {
  const { document = 'state' } = options;
  return parseShaped('state', text, document, options);
}

/** What `features` prints, of any runtime. @throws {SpecError} */
export async function parseFeatures(text: string, options: ParseOptions = {}): Promise<Features> {
  const { document = 'features' } = options;
  return parseShaped('features', text, document, options);
}

// The compiled validator says yes or no in a fraction of a millisecond. It refuses numbers that have lost digits, and
// null, so only then the text is read with care.
async function parseShaped<Name extends keyof Documents>(
  name: Name,
  text: string,
  document: string,
  options: ParseOptions,
): Promise<Documents[Name]> {
  try {
    return await parseAsShaped(name, text, document, options);
  } catch (error) {
    if (!(error instanceof SpecError && error.cause instanceof SyntaxError)) throw error;
    const { placeOfJsonError }: typeof import('./json-place.ts') = await import('./json-place.ts');
    const place = placeOfJsonError(text);
    if (place === undefined) throw error;
    const reason = `line ${place.line}, column ${place.column}: ${error.reason}`;
    throw new SpecError(document, { path: [], reason }, { cause: error.cause });
  }
}

async function parseAsShaped<Name extends keyof Documents>(
  name: Name,
  text: string,
  document: string,
  options: ParseOptions,
): Promise<Documents[Name]> {
  const { checks = compiled } = options;
  const check: Check<Documents[Name]> | undefined = checks[name];
  if (check) {
    const value = parseJsonQuickly(text, document);
    if (check(value) && !isToBeRespelt(name, value)) return value;
  }
  const value = parseJson(text, document);
  if (!isToBeRespelt(name, value)) return shaped(name, value, document, options);
  const shape: typeof import('./shape.ts') = await import('./shape.ts');
  return shaped(name, shape.respelled(name, value), document, options);
}

/** Of those that we act upon. */
const isToBeRespelt = (name: keyof Documents, value: unknown): boolean =>
  (name === 'config' || name === 'process') && isObject(value) && mayBeMisspelt(value);

// On no, or where nothing was compiled, zod is loaded (10 ms): it has the last word, and the words.
async function shaped<Name extends keyof Documents>(
  name: Name,
  value: unknown,
  document: string,
  { checks = compiled }: ParseOptions,
): Promise<Documents[Name]> {
  const check: Check<Documents[Name]> | undefined = checks[name];
  if (check?.(value)) return value;
  const shape: typeof import('./shape.ts') = await import('./shape.ts');
  shape.assertShape(name, value, document);
  return value;
}

function assertConfig(config: Config, document: string): asserts config is CheckedConfig {
  const report = thrower(document);
  checkRules(config, report);
}

/** The rules alone, for a process that was made here. @throws {SpecError} */
export function assertProcess(process: Process, document: string): asserts process is CheckedProcess {
  const report = thrower(document);
  checkProcess(process, [], report);
}

function thrower(document: string): Report {
  return (path, reason) => {
    throw new SpecError(document, { path, reason });
  };
}
