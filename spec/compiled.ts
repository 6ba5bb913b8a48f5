import type { Config } from './config/config.ts';
import type { Process } from './config/process.ts';
import type { Features } from './features.ts';
import type { State } from './state.ts';

/** Whether a value has a document's shape; says nothing of why not. */
export type Check<T> = (value: unknown) => value is T;

/** The documents that have a schema. */
export type Documents = { config: Config; process: Process; state: State; features: Features };

export type Checks = { [Name in keyof Documents]: Check<Documents[Name]> };

/**
 * The validators compiled from the zod schemas. None in the source tree: zod itself answers there.
 * The build puts what build/validators.ts makes in this module's place.
 */
export const compiled: Partial<Checks> = {};
