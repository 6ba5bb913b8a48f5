/** Makes errors of the library out of what the runtime throws. */

import { NotRunningError } from '../effects/error.ts';
import { RefusedError } from '../runtime/container/answers.ts';
import { causesOf, factsOf } from '../runtime/failure/facts.ts';
import { StoreError } from '../runtime/store/error.ts';
import { formatPath, SpecError } from '../spec/problem.ts';
import type { Status } from '../spec/types.ts';
import {
  ConfigError,
  ContainerBusyError,
  ContainerDamagedError,
  ContainerExistsError,
  ContainerNotFoundError,
  type ErrorDetails,
  OperationError,
  RunchartError,
  WrongStateError,
} from './errors.ts';

/** What an operation is about, as far as the caller knows it. */
export interface About {
  /** The container's id. */
  readonly id?: string | undefined;
  /** Its reason is thrown as it is. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Performs an operation for a caller outside of the library.
 * @throws RunchartError for what the runtime throws, with a stack that begins with the line that called. A DOMException
 *   (of an AbortSignal) and an error of the program itself, such as a TypeError, pass as they are
 */
export function telling<T>(about: About, action: () => Promise<T>): Promise<T> {
  // Later the caller is not on the stack any more. The frames are put into words only if somebody reads them.
  const caller: { stack?: string } = {};
  Error.captureStackTrace(caller);
  return told(about, caller, action);
}

async function told<T>(about: About, caller: { readonly stack?: string }, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw withStack(toldError(error, about), caller);
  }
}

/** The same for an operation that is done when it returns. */
export function tellingAtOnce<T>(about: About, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const caller: { stack?: string } = {};
    Error.captureStackTrace(caller);
    throw withStack(toldError(error, about), caller);
  }
}

/** The first line says what is wrong. The frames of the caller follow: those of the runtime are the cause's. */
function withStack(error: unknown, { stack = '' }: { readonly stack?: string }): unknown {
  if (!(error instanceof RunchartError)) return error;
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  // The functions of the library itself come first. They cannot be left out by name: Bun drops what calls at its end.
  const first = frames.findIndex((line) => !line.includes(`${import.meta.dirname}/`));
  const lines = [`${error.name}: ${error.message}`, ...frames.slice(first < 0 ? 0 : first)];
  Object.defineProperty(error, 'stack', { value: lines.join('\n'), configurable: true, writable: true });
  return error;
}

/** @returns an error of the library; what is none of the runtime's errors as it is */
export function toldError(error: unknown, { id, signal }: About): unknown {
  if (signal?.aborted && error === signal.reason) return error;
  if (error instanceof RunchartError || !(error instanceof Error) || isOfProgram(error)) return error;
  const details: ErrorDetails = { id, ...factsOf(error), cause: error };
  for (const one of causesOf(error)) {
    if (one instanceof StoreError) return storeError(one, error.message, details);
    if (one instanceof RefusedError) return refusal(one, details);
    if (one instanceof NotRunningError) return wrongState(details.phase ?? 'use', 'stopped', 'it is stopped', details);
    if (one instanceof SpecError) return new ConfigError(error.message, { ...details, field: formatPath(one.path) });
  }
  return new OperationError(inWordsOfOptions(error.message), details);
}

/** A mistake of the program that uses the library, or of ours: it is to be seen as it is. */
const isOfProgram = (error: Error): boolean =>
  error instanceof DOMException ||
  error instanceof TypeError ||
  error instanceof RangeError ||
  error instanceof ReferenceError ||
  error instanceof SyntaxError;

function storeError({ problem }: StoreError, message: string, details: ErrorDetails): RunchartError {
  switch (problem) {
    case 'missing':
      return notFound(details);
    case 'exists':
      return new ContainerExistsError(`container ${details.id ?? ''} exists already`, details);
    case 'busy':
      return new ContainerBusyError(message, details);
    case 'damaged':
      return new ContainerDamagedError(inWordsOfOptions(message), details);
    case 'failed':
      return new OperationError(inWordsOfOptions(message), details);
  }
}

const notFound = (details: ErrorDetails): ContainerNotFoundError =>
  new ContainerNotFoundError(`container ${details.id ?? ''} does not exist`, details);

function refusal({ request, status, message }: RefusedError, details: ErrorDetails): RunchartError {
  if (status === undefined) return notFound(details);
  const isBusy = message.endsWith(UNDER_WAY);
  return wrongState(request, status, isBusy ? UNDER_WAY : `it is ${status}`, details);
}

const UNDER_WAY = 'another request is under way';

/** Requests whose name is no verb that a container can be the object of. */
const VERBS: Readonly<Record<string, string>> = { exec: 'exec in', events: 'measure' };

const wrongState = (request: string, status: Status, why: string, details: ErrorDetails): WrongStateError =>
  new WrongStateError(`cannot ${VERBS[request] ?? request} container ${details.id ?? ''}: ${why}`, {
    ...details,
    status,
    request,
  });

/** The runtime's words name flags of the command. A program knows them as options. */
const inWordsOfOptions = (message: string): string =>
  message
    .replace(' (delete --force removes what can be found)', ' (delete with force removes what can be found)')
    .replace(/(?<!["'\w-])--((?:parent|lsm|status|systemd|mount)[a-z-]*|cgroup|root)\b/g, (_, flag: string) =>
      flag.replace(/-([a-z])/g, (__, letter: string) => letter.toUpperCase()),
    );
