/** The file of `update --resources`: what `linux.resources` is in a config.json. */

import { reasonOf } from '../../effects/error.ts';
import { readSmallFile } from '../../effects/paths/proc.ts';
import { read } from '../../native/calls/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { call, isErrno } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { parseJson } from '../../spec/json.ts';
import { SpecError } from '../../spec/problem.ts';
import type { LinuxResources } from '../../spec/types.ts';
import type { Context } from '../container/context.ts';
import { absolutePath } from '../host/path.ts';

const LIMIT = 16 << 20;

/** @param file `-` for standard input. @throws Error of one line */
export async function readResources({ platform, host }: Context, file: string): Promise<LinuxResources> {
  const name = file === '-' ? 'standard input' : file;
  let text: string;
  try {
    text = file === '-' ? readInput(platform.local) : readSmallFile(platform.local, absolutePath(host, file), LIMIT);
  } catch (error) {
    throw new Error(`read ${name}: ${reasonOf(error)}`, { cause: error });
  }
  return parseResources(text, name);
}

/** @throws SpecError */
const parseResources = (text: string, document: string): Promise<LinuxResources> =>
  checkResources(parseJson(text, document), document);

/** Checks the shape of what shall be `linux.resources`. @throws SpecError */
export async function checkResources(given: unknown, document: string): Promise<LinuxResources> {
  // This loads zod, which takes a while. Such a file is so rare that the build compiles no validator for it.
  const [{ resourcesSchema }, { respell }, { findShapeProblem }] = await Promise.all([
    import('../../spec/config/linux/resources.ts'),
    import('../../spec/respell.ts'),
    import('../../spec/shape.ts'),
  ]);
  const value = respell(resourcesSchema, given);
  const { success, data } = resourcesSchema.safeParse(value);
  if (success) return data;
  throw new SpecError(document, findShapeProblem(resourcesSchema, value) ?? { path: [], reason: 'is not valid' });
}

function readInput(kernel: Kernel): string {
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const chunk = out(64 * 1024);
    let length: number;
    try {
      length = call(kernel, read(0, chunk));
    } catch (error) {
      if (isErrno(error, 'EINTR')) continue;
      throw error;
    }
    if (length === 0) return text + decoder.decode();
    text += decoder.decode(chunk.bytes.subarray(0, length), { stream: true });
    if (text.length > LIMIT) throw new Error('it is too long');
  }
}
