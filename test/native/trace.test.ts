/** Traces: the lines for our calls are as written here, and no argument makes a formatter fail. */

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import * as files from '../../native/calls/files.ts';
import * as mounts from '../../native/calls/mounts.ts';
import * as processes from '../../native/calls/process.ts';
import * as sockets from '../../native/calls/sockets.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O, RESOLVE, S } from '../../native/constants/files.ts';
import { MNT, MOUNT_ATTR, MS } from '../../native/constants/mount.ts';
import { CLONE, P, PR, RLIMIT } from '../../native/constants/process.ts';
import { AF, SOCK, TIOC } from '../../native/constants/socket.ts';
import { SYSNO, type Sysno } from '../../native/constants/sysno.ts';
import type { Call } from '../../native/kernel/kernel.ts';
import { out, stringArray, u64s, words } from '../../native/kernel/struct.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import { recordingKernel, type SeenArg, type TraceEntry } from '../../native/performers/recording.ts';
import { SIGNATURES } from '../../native/trace/signatures.ts';
import { callLine, stamp, stateText, textLine, traceFormat, traceWriter } from '../../native/trace/writer.ts';

/** The entry that a recording kernel makes of a call without references. */
function entry(call: Call, result: number | undefined = 0, place: Partial<TraceEntry> = {}): TraceEntry {
  const args = call.args.map((arg): SeenArg => {
    if (typeof arg !== 'object' || arg === null || arg instanceof Uint8Array || arg.kind !== 'result') return arg;
    throw new TypeError('these entries hold no references');
  });
  return { ...ALONE, name: call.name, args, result, count: 2, ...place };
}
/** 2026-11-24T08:31:09.25Z, in seconds since the epoch. */
const WHEN = 1795509069.25;
const RUN = '7.x';
const ALONE = { performer: 'init', at: WHEN, index: 0, count: 1, seconds: 0 };
const shown = (call: Call, result?: number): string => textLine(entry(call, result)).slice('init    '.length, -1);

test('every system call that the sources use has a formatter', () => {
  const root = join(import.meta.dirname, '..', '..');
  const used = new Set<string>();
  for (const file of globSync(['native/**/*.ts', 'effects/**/*.ts', 'runtime/**/*.ts'], { cwd: root }))
    for (const [, name = ''] of readFileSync(join(root, file), 'utf8').matchAll(/\bname: '([a-z0-9_]+)'/g))
      if (name in SYSNO) used.add(name);
  assert.ok(used.has('openat2') && used.has('clone3'), 'the sources were searched');
  assert.deepEqual(
    [...used].filter((name) => !(name in SIGNATURES)),
    [],
  );
});

test('files', () => {
  const root = { flags: O.PATH | O.DIRECTORY, resolve: RESOLVE.IN_ROOT };
  assert.equal(
    shown(files.openat2(3, 'proc', root), 5),
    'openat2(3, "proc", {flags=O_DIRECTORY|O_CLOEXEC|O_PATH, resolve=RESOLVE_IN_ROOT}, 24) = 5',
  );
  assert.match(shown(files.openat2(3, 'proc', root), -ERRNO.EPERM), /, 24\) = -1 EPERM \(operation not permitted\)$/);
  assert.equal(shown(files.openat(AT.FDCWD, '/x', O.RDONLY), 3), 'openat(AT_FDCWD, "/x", O_RDONLY|O_CLOEXEC) = 3');
  assert.equal(
    shown(files.openat(3, 'x', O.WRONLY | O.CREAT, 0o644), 3),
    'openat(3, "x", O_WRONLY|O_CREAT|O_CLOEXEC, 0644) = 3',
  );
  assert.equal(shown(files.write(1, 'hello\n'), 6), 'write(1, "hello\\n", 6) = 6');
  assert.equal(shown(files.write(1, 'x'.repeat(40)), 40), `write(1, "${'x'.repeat(32)}…", 40) = 40`);
  assert.equal(shown(files.write(1, new Uint8Array([0, 1, 255]))), 'write(1, 0x0001ff, 3) = 0');
  assert.equal(
    shown(files.mknodat(3, 'null', S.IFCHR | 0o666, 0x103)),
    'mknodat(3, "null", S_IFCHR|0666, makedev(1, 3)) = 0',
  );
  assert.equal(shown(files.unlinkat(3, 'd', AT.REMOVEDIR)), 'unlinkat(3, "d", AT_REMOVEDIR) = 0');
  const answer = out(16);
  answer.bytes.set(new TextEncoder().encode('/target'));
  assert.equal(shown(files.readlinkat(3, 'l', answer), 7), 'readlinkat(3, "l", "/target", 16) = 7');
  assert.equal(shown(files.read(3, answer), -4), 'read(3, out[16], 16) = -1 EINTR (interrupted system call)');
});

test('answers of the real kernel', () => {
  const lines: string[] = [];
  const kernel = recordingKernel(localKernel(loadLibc()), (one) => lines.push(textLine(one)));
  kernel.submit([files.statx(AT.FDCWD, '/dev/null', out(files.STATX_BYTES))]);
  assert.match(lines[0] ?? '', /, \{type=S_IFCHR, mode=0666, uid=0, gid=0, size=0, rdev_major=1, rdev_minor=3\}\) = 0/);
  const { results } = kernel.submit([files.openat(AT.FDCWD, '/proc/self/ns', O.RDONLY)]);
  const fd = results[0] ?? -1;
  kernel.submit([files.getdents(fd, out(4096)), files.fstatfs(fd, out(files.STATFS_BYTES)), files.close(fd)]);
  assert.match(lines[2] ?? '', /getdents64\(\d+, \["\.", "\.\.", .*"mnt".*\], 4096\) = \d+\n$/);
  assert.match(lines[3] ?? '', /fstatfs\(\d+, \{f_type=0x9fa0\}\) = 0\n$/);
});

test('mounts', () => {
  assert.equal(
    shown(mounts.fsconfigString(4, 'mode', '755')),
    'fsconfig(4, FSCONFIG_SET_STRING, "mode", "755", 0) = 0',
  );
  assert.equal(shown(mounts.fsconfigCreate(4)), 'fsconfig(4, FSCONFIG_CMD_CREATE, NULL, NULL, 0) = 0');
  assert.equal(
    shown(mounts.mountSetattr(5, '', { set: MOUNT_ATTR.RDONLY, propagation: MS.PRIVATE }, true)),
    'mount_setattr(5, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set=MOUNT_ATTR_RDONLY, propagation=MS_PRIVATE}, 32) = 0',
  );
  assert.equal(
    shown(mounts.openTree(3, 'a', { clone: true, recursive: true }), 6),
    'open_tree(3, "a", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE) = 6',
  );
  assert.equal(
    shown(mounts.mount('none', '/', null, MS.REC | MS.SLAVE, null)),
    'mount("none", "/", NULL, MS_REC|MS_SLAVE, NULL) = 0',
  );
  assert.equal(shown(mounts.umount2('.', MNT.DETACH)), 'umount2(".", MNT_DETACH) = 0');
});

test('processes', () => {
  const flags = CLONE.NEWNS | CLONE.NEWPID | CLONE.PARENT;
  assert.equal(
    shown(processes.clone3({ flags: flags + CLONE.INTO_CGROUP, cgroup: 7, childServes: 4 }), 99),
    'clone3({flags=CLONE_PARENT|CLONE_NEWNS|CLONE_NEWPID|CLONE_INTO_CGROUP, cgroup=7}, 88) = 99',
  );
  const execve = processes.execve('/bin/sh', ['sh', '-c', 'true'], ['PASSWORD=secret', 'A=b']);
  assert.equal(
    textLine(entry(execve, 0, { result: undefined })).slice(8),
    'execve("/bin/sh", ["sh", "-c", "true"], /* 2 vars */) = ?\n',
  );
  assert.doesNotMatch(JSON.stringify(callLine(entry(execve), 1, RUN)), /secret/);
  assert.equal(
    shown(processes.capset(1n, 1n | (1n << 40n), 0n)),
    'capset({version=0x20080522}, ' +
      '{effective=CAP_CHOWN, permitted=CAP_CHOWN|CAP_CHECKPOINT_RESTORE, inheritable=0}) = 0',
  );
  assert.equal(shown(processes.prctl(PR.CAPBSET_DROP, 21)), 'prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN) = 0');
  assert.equal(
    shown(processes.prctl(PR.CAP_AMBIENT, PR.CAP_AMBIENT_RAISE, 0)),
    'prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN) = 0',
  );
  assert.equal(shown(processes.setNoNewPrivs()), 'prctl(PR_SET_NO_NEW_PRIVS, 1) = 0');
  assert.equal(
    shown(processes.setRlimit(0, RLIMIT.RLIMIT_NOFILE, 1024, 2n ** 64n - 1n)),
    'prlimit64(0, RLIMIT_NOFILE, {rlim_cur=1024, rlim_max=RLIM64_INFINITY}, NULL) = 0',
  );
  assert.equal(shown(processes.setgroups([4, 24])), 'setgroups(2, [4, 24]) = 0');
  assert.equal(shown(processes.kill(7, 15)), 'kill(7, SIGTERM) = 0');
  assert.equal(
    shown(processes.waitid(P.PID, 7, out(128)), -ERRNO.ECHILD),
    'waitid(P_PID, 7, out[128], WEXITED, NULL) = -1 ECHILD (no child processes)',
  );
});

test('sockets and terminals', () => {
  assert.equal(
    shown(sockets.bindUnix(3, '/run/x.sock')),
    'bind(3, {sa_family=AF_UNIX, sun_path="/run/x.sock"}, 14) = 0',
  );
  assert.equal(
    shown(sockets.socket(AF.UNIX, SOCK.SEQPACKET), 3),
    'socket(AF_UNIX, SOCK_SEQPACKET|SOCK_CLOEXEC, 0) = 3',
  );
  assert.equal(
    shown(sockets.sendDescriptors(3, [7, 8], new TextEncoder().encode('tty')), 3),
    'sendmsg(3, {data="tty", control=[7, 8]}, MSG_NOSIGNAL) = 3',
  );
  const size: Call = { name: 'ioctl', args: [0, TIOC.SWINSZ, new Uint8Array([24, 0, 80, 0, 0, 0, 0, 0])] };
  assert.equal(shown(size), 'ioctl(0, TIOCSWINSZ, {ws_row=24, ws_col=80}) = 0');
});

test('a batch is visible in both formats, each written at once', () => {
  const first = entry(files.close(3), 0, { count: 2, pid: 312 });
  const last = entry(files.close(4), -ERRNO.EBADF, { index: 1, pid: 312, seconds: 0.0000418 });
  const other = entry(files.close(5), 0, { performer: 'runtime', count: 1, seconds: 1 });
  const chunks: Record<'text' | 'json', string[]> = { text: [], json: [] };
  for (const format of ['text', 'json'] as const) {
    const sink = traceWriter(format, RUN, (lines) => chunks[format].push(lines));
    for (const one of [first, last, other]) sink(one);
  }
  assert.deepEqual(chunks.text, [
    '08:31:09.250000   312 init    close(3) = 0\n' +
      '08:31:09.250000   312 init   +close(4) = -1 EBADF (bad file descriptor) <0.000042>\n',
    '08:31:09.250000     ? runtime close(5) = 0 <1.000000>\n',
  ]);
  assert.deepEqual(chunks.json, [
    `{"type":"call","at":${WHEN},"run":"7.x","pid":312,"who":"init","batch":1,"call":"close","args":[3],"result":0}\n` +
      `{"type":"call","at":${WHEN},"run":"7.x","pid":312,"who":"init","batch":1,"call":"close","args":[4],"result":-1,` +
      '"errno":"EBADF","seconds":0.000042}\n',
    `{"type":"call","at":${WHEN},"run":"7.x","who":"runtime","batch":2,"call":"close","args":[5],"result":0,"seconds":1}\n`,
  ]);
});

test("the file's name decides the format", () => {
  assert.deepEqual(['-', 'trace.txt', 'x.jsonl'].map(traceFormat), ['text', 'text', 'json']);
});

test('JSON holds decoded arguments', () => {
  const how = { flags: O.RDWR | O.CREAT, mode: 0o600 };
  const line = JSON.parse(JSON.stringify(callLine(entry(files.openat2(3, 'a"\n', how), 4), 1, RUN)));
  assert.deepEqual(line.args, [3, 'a"\n', { flags: 'O_RDWR|O_CREAT|O_CLOEXEC', mode: '0600' }, 24]);
  assert.equal(line.result, 4);
});

test('never throws, and writes one line, whatever the arguments', () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(u64s(1, 2n ** 64n - 1n, 3)));
  const { memory } = fc.letrec<{ memory: Exclude<SeenArg, number | bigint | null> }>((tie) => ({
    memory: fc.oneof(
      { maxDepth: 3 },
      fc.string(),
      bytes,
      bytes.map((b) => ({ kind: 'out' as const, bytes: b })),
      fc.array(tie('memory'), { maxLength: 4 }).map((targets) => words(1, ...targets, null)),
      fc.array(fc.string({ unit: fc.constantFrom('a', '\n', '"', 'é') }), { maxLength: 4 }).map(stringArray),
    ),
  }));
  const arg: fc.Arbitrary<SeenArg> = fc.oneof(
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.bigInt(),
    fc.constant(null),
    memory,
  );
  const name = fc.constantFrom(...(Object.keys(SYSNO) as Sysno[]));
  const result = fc.oneof(fc.integer({ min: -5000, max: 5000 }), fc.constant(undefined));
  fc.assert(
    fc.property(name, fc.array(arg, { maxLength: 7 }), result, (call, args, answer) => {
      const one: TraceEntry = { ...ALONE, name: call, args, result: answer };
      assert.match(textLine(one), /^init {4}[a-z0-9_]+\([^\n]*\) = [^\n]+\n$/);
      assert.equal(JSON.parse(JSON.stringify(callLine(one, 1, RUN))).call, call);
    }),
    { numRuns: 3000 },
  );
});

test('readable lines begin with the time in UTC and the pid', () => {
  assert.equal(stamp(WHEN, 4194304), '08:31:09.250000 4194304 ');
  assert.equal(stamp(0.0000019), '00:00:00.000002     ? ');
  assert.equal(stateText('c1', 'creating.mounts'), '-- c1: creating.mounts\n');
});
