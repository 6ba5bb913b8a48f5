/** Reads the first line of a script: `#!INTERPRETER [ARGUMENT]` (execve(2), "Interpreter scripts"). Pure. */

/** How much of the first line the kernel reads (BINPRM_BUF_SIZE). */
const LINE_BYTES = 256;

export interface Script {
  /** With the carriage return that a file from Windows has at its end. */
  readonly interpreter: string;
  readonly carriageReturn: boolean;
  /** The name does not end within what the kernel reads. */
  readonly cut: boolean;
}

/** @param start the beginning of the file, hostile. @returns undefined where it does not begin with `#!` */
export function readScript(start: Uint8Array): Script | undefined {
  if (start[0] !== 0x23 || start[1] !== 0x21) return undefined;
  const head = start.subarray(2, LINE_BYTES);
  const end = head.findIndex((byte) => byte === 0x0a || byte === 0);
  const line = new TextDecoder().decode(end < 0 ? head : head.subarray(0, end)).replace(/^[ \t]+/, '');
  const [interpreter = ''] = line.split(/[ \t]/, 1);
  return {
    interpreter,
    carriageReturn: line.endsWith('\r'),
    cut: end < 0 && interpreter === line && start.length >= LINE_BYTES,
  };
}
