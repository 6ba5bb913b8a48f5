import { type JsonPath, SpecError } from '../problem.ts';

/** @throws SpecError about an option, in all cases */
export function refuse(path: JsonPath, reason: string): never {
  throw new SpecError('options', { path, reason });
}
