/** A container's id, checked once. */

import { checkContainerId } from '../spec/id.ts';
import { InvalidArgumentError } from './errors.ts';

declare const valid: unique symbol;

/** A container's id: at most 255 ASCII letters, digits, `_`, `+`, `-` and `.`. `containerId` makes one of a text. */
export type ContainerId = string & { readonly [valid]: 'ContainerId' };

/** @throws InvalidArgumentError for what is no container id */
export function containerId(text: string): ContainerId {
  assertContainerId(text);
  return text;
}

function assertContainerId(text: string): asserts text is ContainerId {
  if (typeof text !== 'string') throw new InvalidArgumentError('a container id is a string');
  try {
    checkContainerId(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidArgumentError(`${why}: ${JSON.stringify(text.slice(0, LONGEST_SHOWN))}`, { id: text, cause });
  }
}

const LONGEST_SHOWN = 300;
