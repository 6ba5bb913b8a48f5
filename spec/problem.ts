/** Where in a document: member names and array indexes, from the top. */
export type JsonPath = readonly (string | number)[];

/** What is wrong with a document, and where. `reason` is one line. */
export type Problem = { readonly path: JsonPath; readonly reason: string };

/**
 * The rules tell it what they find. It may throw, so that the first problem ends the check. Generators would read
 * better, but each costs 0.13 ms at its first call in Bun, which every command would pay.
 */
export type Report = (path: JsonPath, reason: string) => void;

/** A path as text: `process.args[0]`, `annotations["a b"]`. It is empty for the document itself. */
export function formatPath(path: JsonPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\w-]+$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** A document cannot be used. The message is one line: `config.json: process.args[0]: must be a string`. */
export class SpecError extends Error {
  override readonly name = 'SpecError';
  readonly document: string;
  readonly path: JsonPath;
  readonly reason: string;

  constructor(document: string, problem: Problem, options?: ErrorOptions) {
    super([document, formatPath(problem.path), problem.reason].filter(Boolean).join(': '), options);
    this.document = document;
    this.path = problem.path;
    this.reason = problem.reason;
  }
}
