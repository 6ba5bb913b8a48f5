/**
 * The errors of the library. Each has a class and a `code` to tell it by, and what is known of the failure as
 * properties. The message is one line: what was tried, on what, and why it failed.
 */

import type { Status } from '../spec/types.ts';

/** Which kind of error it is. Each has a class of its own. */
export type ErrorCode =
  | 'NOT_FOUND'
  | 'EXISTS'
  | 'BUSY'
  | 'DAMAGED'
  | 'WRONG_STATE'
  | 'INVALID_CONFIG'
  | 'INVALID_ARGUMENT'
  | 'FAILED';

/** What an error says besides its message. */
export interface ErrorDetails {
  /** The container's id. */
  readonly id?: string | undefined;
  /** What was going on: `mounts`, `createRuntime hooks`, `start`, `kill`; in an exec `joining`, `executing`. */
  readonly phase?: string | undefined;
  /** The system call that failed, as the kernel names it: `openat2`. */
  readonly syscall?: string | undefined;
  /** Why it failed, by the name in errno(3): `ENOENT`. */
  readonly errno?: string | undefined;
  /** The file that it failed on. Where it is the container's, this is its path inside. */
  readonly path?: string | undefined;
  /** The error as the runtime has it. */
  readonly cause?: unknown;
}

/** An error of this library. `code` says of which kind it is, and each kind has a class of its own. */
export abstract class RunchartError extends Error {
  abstract readonly code: ErrorCode;
  /** The container's id, where the error is about one. */
  readonly id: string | undefined;
  /** What was going on: `mounts`, `createRuntime hooks`, `start`, `kill`; in an exec `joining`, `executing`. */
  readonly phase: string | undefined;
  /** The system call that failed, as the kernel names it: `openat2`. */
  readonly syscall: string | undefined;
  /** Why it failed, by the name in errno(3): `ENOENT`. */
  readonly errno: string | undefined;
  /** The file that it failed on. Where it is the container's, this is its path inside. */
  readonly path: string | undefined;

  /** @internal the library makes them */
  constructor(message: string, { id, phase, syscall, errno, path, cause }: ErrorDetails = {}) {
    super(message, cause === undefined ? {} : { cause });
    this.name = new.target.name;
    this.id = id;
    this.phase = phase;
    this.syscall = syscall;
    this.errno = errno;
    this.path = path;
  }
}

/** There is no container of this id below the state root. */
export class ContainerNotFoundError extends RunchartError {
  readonly code = 'NOT_FOUND';
}

/** There is a container of this id already. */
export class ContainerExistsError extends RunchartError {
  readonly code = 'EXISTS';
}

/** Another program or command has been working on the container for too long. Nothing has been done. */
export class ContainerBusyError extends RunchartError {
  readonly code = 'BUSY';
}

/** The container's state.json cannot be understood. `delete({ force: true })` removes what can be found. */
export class ContainerDamagedError extends RunchartError {
  readonly code = 'DAMAGED';
}

/** The container's state does not permit the request. Nothing has been done. */
export class WrongStateError extends RunchartError {
  readonly code = 'WRONG_STATE';
  /** The container's status. undefined where there is no container any more. */
  readonly status: Status | undefined;
  /** What was asked for: `start`, `pause`, `exec`. */
  readonly request: string;

  /** @internal the library makes them */
  constructor(message: string, { status, request, ...details }: ErrorDetails & StateDetails) {
    super(message, details);
    this.status = status;
    this.request = request;
  }
}

interface StateDetails {
  readonly status: Status | undefined;
  readonly request: string;
}

/** A config, or another document, is not valid. Nothing has been done. */
export class ConfigError extends RunchartError {
  readonly code = 'INVALID_CONFIG';
  /** Where in the document: `process.args[0]`. It is empty for the document as a whole. */
  readonly field: string;

  /** @internal the library makes them */
  constructor(message: string, { field, ...details }: ErrorDetails & { readonly field: string }) {
    super(message, details);
    this.field = field;
  }
}

/** An argument cannot be used: no container id, no signal. Nothing has been done. */
export class InvalidArgumentError extends RunchartError {
  readonly code = 'INVALID_ARGUMENT';
}

/** Something that was tried has failed. What was half made has been undone. */
export class OperationError extends RunchartError {
  readonly code = 'FAILED';
}
