/** Why the container's program cannot be executed: execve(2) has one errno for many reasons. */

import { ERRNO } from '../../native/constants/errno.ts';
import { S } from '../../native/constants/files.ts';
import { ELF_MACHINE } from '../../native/constants/process.ts';
import type { Process } from '../../spec/types.ts';
import { candidates, type ProgramError } from '../process/program.ts';
import { profileOf } from '../seccomp/profile.ts';
import { whyClosed, whyDenied } from './access.ts';
import type { Cause } from './cause.ts';
import { type Elf, isElf, machineName, readElf } from './elf.ts';
import { type Head, withHead } from './head.ts';
import { containerRoot, type Root, type Scene } from './scene.ts';
import { readScript } from './script.ts';
import { whySeccomp } from './seccomp.ts';
import { shown } from './shown.ts';
import { walk } from './walk.ts';

/** The kernel follows as many interpreters of interpreters (BINPRM_MAX_RECURSION, 5). */
const MOST_INTERPRETERS = 5;

/** @throws SyscallError where nothing can be looked up */
export function whyNotExecuted(scene: Scene, { program, errno, during }: ProgramError): Cause | undefined {
  if (during === 'execve') {
    const forbidden = whySeccomp(profileOf(scene.record.config), 'execve', errno);
    if (forbidden !== undefined) return forbidden;
    if (errno === ERRNO.E2BIG) return whyTooLong(scene.process);
    if (errno === ERRNO.ETXTBSY)
      return { why: 'somebody has that file open for writing', advice: 'Close it, or wait until it is written' };
  }
  const root = containerRoot(scene);
  using _ = root.directory;
  if (during === 'PATH') return whyNotInPath(scene, root, program);
  return whyNot(scene, root, absolute(program, scene.process), errno, 'the program');
}

const absolute = (program: string, process: Process | undefined): string =>
  program.startsWith('/') ? program : `${process?.cwd ?? '/'}/${program}`;

/** @param what it is: `the program`, `its interpreter` */
function whyNot(scene: Scene, root: Root, path: string, errno: number, what: string, depth = 0): Cause | undefined {
  const way = walk(scene.local, root, path);
  if (way.found === undefined) {
    const closed = errno === ERRNO.EACCES ? whyClosed(scene, way.places) : undefined;
    return closed ?? (way.end?.errno === errno ? whyMissing(way, what, path) : undefined);
  }
  if (way.found.type === S.IFDIR && errno !== ERRNO.ENOENT) return whyDenied(scene, way.places, what, root.seenBy);
  if (errno === ERRNO.EACCES) {
    const denied = whyDenied(scene, way.places, what, root.seenBy);
    if (denied !== undefined) return denied;
  }
  return withHead(scene.local, root, path, (head) =>
    whyByContent(head, { path, what, errno }, (interpreter) =>
      depth < MOST_INTERPRETERS ? whyNot(scene, root, interpreter, errno, 'its interpreter', depth + 1) : undefined,
    ),
  );
}

/** Why a path leads to nothing. */
export function whyMissing(way: ReturnType<typeof walk>, what: string, path: string): Cause | undefined {
  const { end, link } = way;
  if (end === undefined) return undefined;
  if (end.errno === ERRNO.ENOTDIR)
    return { why: `${shown(end.path)} is no directory`, advice: 'Correct the path', path: end.path };
  if (end.errno === ERRNO.ELOOP)
    return { why: `${shown(path)} leads through too many symlinks`, advice: 'Correct these symlinks', path };
  if (end.errno !== ERRNO.ENOENT) return undefined;
  const advice = `Put ${what === 'the program' ? 'it' : what} into the image, or name another one`;
  if (link !== undefined)
    return {
      why:
        `${what}, ${shown(path)}, leads by the symlink ${shown(link.path)} to ${shown(link.target)}, which ` +
        'is missing',
      advice,
      path,
    };
  const why = `${what}, ${shown(path)}, is missing`;
  if (end.path !== path) return { why: `${why}: there is no ${shown(end.path)}`, advice, path };
  return { why, advice, path, ...(what === 'the program' && { isSaid: true }) };
}

interface Found {
  readonly path: string;
  readonly what: string;
  readonly errno: number;
}

/** @param follow looks why an interpreter cannot be executed */
function whyByContent(head: Head, found: Found, follow: (interpreter: string) => Cause | undefined): Cause | undefined {
  const { path, what, errno } = found;
  if (isElf(head.bytes)) return whyElf(head, found, follow);
  const script = readScript(head.bytes);
  if (script === undefined) {
    if (errno !== ERRNO.ENOEXEC && errno !== ERRNO.ELIBBAD) return undefined;
    return head.size === 0
      ? { why: `${what}, ${shown(path)}, is an empty file`, advice: 'Put a program there', path }
      : {
          why: `${what}, ${shown(path)}, is no program: it has neither an ELF header nor a first line with #!`,
          advice: 'Let a script begin with #!/bin/sh, or whatever runs it',
          path,
        };
  }
  const { interpreter, carriageReturn, cut } = script;
  if (interpreter === '' || cut)
    return {
      why: `the first line of ${shown(path)} names no interpreter${cut ? ' within 256 bytes' : ''}`,
      advice: 'Let a script begin with #!/bin/sh, or whatever runs it',
      path,
    };
  if (carriageReturn && interpreter.endsWith('\r') && errno === ERRNO.ENOENT)
    return {
      why:
        `the first line of ${shown(path)} ends with a carriage return (\\r), so its interpreter is ` +
        `${shown(interpreter)}`,
      advice: 'Give the file the line ends of Unix: sed -i "s/\\r$//"',
      path,
    };
  return named(follow(interpreter), `the interpreter that the first line of ${shown(path)} names`);
}

function whyElf(head: Head, found: Found, follow: (interpreter: string) => Cause | undefined): Cause | undefined {
  const { path, what, errno } = found;
  const elf = readElf(head.bytes);
  if (elf === undefined)
    return { why: `${what}, ${shown(path)}, has an ELF header that is cut off or wrong`, advice: 'Copy it anew', path };
  const other = otherMachine(elf);
  if (other !== undefined)
    return {
      why: `${what}, ${shown(path)}, is for ${other}`,
      advice: `Use an image for ${HOST}, or have an emulator for the other machine registered (binfmt_misc)`,
      path,
    };
  if (elf.interpreter === undefined) return undefined;
  const { offset, size } = elf.interpreter;
  const interpreter = new TextDecoder().decode(head.more(offset, size)).replace(/\0.*$/s, '');
  if (interpreter === '') return undefined;
  const cause = named(follow(interpreter), `the interpreter of ${shown(path)}`);
  return cause && errno === ERRNO.ENOENT ? { ...cause, advice: LOADER } : cause;
}

const LOADER =
  'A program that is linked dynamically needs the loader that it names: use an image with the C library that the ' +
  'program was made for (glibc or musl), or link it statically';

const HOST = ELF_MACHINE === 183 ? 'arm64' : 'x86_64';

/** @returns undefined for this machine, where the kernel may refuse a program for another reason */
function otherMachine(elf: Elf): string | undefined {
  if (elf.machine === ELF_MACHINE && elf.bits === 64 && !elf.bigEndian) return undefined;
  return `${machineName(elf)}, and this machine is ${HOST}`;
}

/** Says whose interpreter it is. Of an interpreter's own interpreter, what was found says that already. */
const named = (cause: Cause | undefined, whose: string): Cause | undefined =>
  cause && { ...cause, why: cause.why.replace(/^its interpreter\b/, () => whose) };

/** One argument or variable may have as many bytes, its NUL included (MAX_ARG_STRLEN, with pages of 4 kB). */
const LONGEST_STRING = 32 * 4096;

function whyTooLong(process: Process | undefined): Cause | undefined {
  const { args = [], env = [] } = process ?? {};
  const bytes = (text: string): number => new TextEncoder().encode(text).length + 1;
  const total = [...args, ...env].reduce((sum, text) => sum + bytes(text), 0);
  const argument = args.findIndex((text) => bytes(text) > LONGEST_STRING);
  const variable = env.find((text) => bytes(text) > LONGEST_STRING)?.split('=', 1)[0];
  const one = argument >= 0 ? `process.args[${argument}]` : variable && `the variable ${shown(variable)}`;
  return {
    why: one
      ? `${one} alone has more than the ${LONGEST_STRING - 1} bytes that the kernel takes`
      : `arguments and environment have ${total} bytes, and the kernel takes a quarter of RLIMIT_STACK`,
    advice: 'Hand long values over in a file',
  };
}

function whyNotInPath(scene: Scene, root: Root, name: string): Cause | undefined {
  const { process, local } = scene;
  const paths = candidates(name, process?.env ?? []);
  if (name === '') return undefined;
  if (paths.length === 0)
    return { why: 'process.env has no PATH', advice: 'Give PATH in process.env, or name the program by its path' };
  for (const path of paths.slice(0, MOST_DIRECTORIES)) {
    const way = walk(local, root, absolute(path, process));
    if (way.found !== undefined) {
      const denied = whyDenied(scene, way.places, 'the program', root.seenBy);
      if (denied !== undefined) return denied;
    } else if (way.link?.path.endsWith(`/${name}`)) return whyMissing(way, 'the program', path);
  }
  return undefined;
}

const MOST_DIRECTORIES = 50;
