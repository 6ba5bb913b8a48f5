import type { Config } from './config/config.ts';
import type { Process } from './config/process.ts';
import type { Features } from './features.ts';
import type { State } from './state.ts';

/** Tells whether a value has a document's shape, but not why not. */
export type Check<T> = (value: unknown) => value is T;

/** The documents that have a schema. */
export type Documents = { config: Config; process: Process; state: State; features: Features };

export type Checks = { [Name in keyof Documents]: Check<Documents[Name]> };

/**
 * The validators that are compiled from the zod schemas. There are none in the source tree, where zod itself validates.
 * The build replaces this module by what build/validators.ts makes.
 */
export const compiled: Partial<Checks> = {};
