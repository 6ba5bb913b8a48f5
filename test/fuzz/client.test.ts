/**
 * What servers of all kinds say to the client of a resident engine (native/launcher/client.h and what it includes).
 * fuzz/client.c has the rules that it is held to; fuzz/from-servers, what it begins with.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { assertKept, assertNoticed, type Fuzzed, missing, type Wrong } from './libfuzzer.ts';

const folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
after(() => rmSync(folder, { recursive: true }));

const CLIENT: Fuzzed = {
  ...{ harness: 'client.c', seeds: 'from-servers', longest: 16_000 },
  sources: [
    ...['client', 'server-socket', 'body', 'attend', 'stream'].map((name) => `launcher/${name}.h`),
    'init/batches.h',
  ],
};

const WRONG: Record<string, Wrong> = {
  'a server that has not begun': { right: '== BEGUN)', wrong: '!= NOT_SERVED)', seed: 'unknown-answer' },
  'a server that may still begin': {
    ...{ right: 'syscall6(SYS_shutdown, connection, SHUT_RD, 0, 0, 0, 0)', wrong: '(void)0', seed: 'no-answer' },
  },
  'a server whose queue is waited for': {
    ...{ right: 'AF_UNIX, SOCK_STREAM_NONBLOCK_CLOEXEC', wrong: 'AF_UNIX, SOCK_STREAM_CLOEXEC', seed: 'no-answer' },
  },
  'a stranger who is told the command': { right: ' && peer[1] == 0', wrong: '', seed: 'stranger' },
  'a command that goes cold though it has begun': {
    ...{ right: 'if (service == LOST) server_ended();', wrong: '', seed: 'gone-at-once' },
  },
  'a call that only an init can perform': { right: ' && !is_for_init(m)', wrong: '', seed: 'call-for-an-init' },
  'a command that is given back among other calls': {
    ...{ right: 'm->count == 1 && m->calls[0].nr', wrong: 'm->calls[0].nr', seed: 'given-back-among-calls' },
  },
  'a batch that goes on after it was stopped': {
    ...{ right: '!(call->flags & MAY_FAIL)) return 1', wrong: '0) return 1', seed: 'stopped-and-after' },
  },
  'a batch that was to be left alone': {
    ...{ right: 'if (!stopped) stopped =', wrong: 'stopped =', seed: 'stopped-and-after' },
  },
  'a flag that nobody knows': { right: 'call->flags & ~FLAGS', wrong: '0', seed: 'unknown-flag' },
  'an index of a result that is not checked': {
    ...{ right: 'call->args[i] >= index', wrong: '0', seed: 'result-of-the-call-itself' },
  },
  'an answer larger than its half': { right: ' && answer <= half', wrong: '', seed: 'answer-that-does-not-fit' },
  'a message larger than its half': { right: 'm->size <= half && ', wrong: '', seed: 'message-that-does-not-fit' },
  'out buffers with bytes of earlier answers': { right: 'at[i] = 0', wrong: '', seed: 'out-buffers-after-results' },
  'ends of a stage outside of the answer': {
    ...{ right: '!is_out_buffer(at, 2 * sizeof *ends)', wrong: '0', seed: 'stage-outside-the-arena' },
  },
  'pipes outside of the answer': {
    ...{ right: '!is_out_buffer(args[2], CONTROL_SIZE) || ', wrong: '', seed: 'wait-outside-the-arena' },
  },
  'a line outside of the message': {
    ...{ right: ' || (size && !is_in_message(args[3], size))', wrong: '', seed: 'line-outside-the-arena' },
  },
  'a line that does not fit': { right: 'size > LINE_SIZE - STATUS_SIZE', wrong: '0', seed: 'line-that-does-not-fit' },
  'a batch that goes on after the client was left alone': {
    ...{ right: ' && next->size == 0', wrong: '', seed: 'two-waits-left' },
  },
  'a status of no wait': { right: 'if (status < 0) status =', wrong: 'if (0) status =', seed: 'wait-for-nobody' },
  'orphans of whom one alone is reaped': {
    right: 'reap(w, P_ALL, 0)',
    wrong: 'reap(w, P_PID, 1)',
    seed: 'reaps-orphans',
  },
  'a copy that repeats what was written': { right: 's->at += (u32)n', wrong: '', seed: 'waits-0' },
  'a chunk larger than its room': { right: 's->left : CHUNK', wrong: 's->left : 4 * CHUNK', seed: 'waits-0' },
  'a signal of children that is handed on': { right: 'signal == SIGCHLD', wrong: '0', seed: 'signals-while-it-waits' },
  'an end that is not closed': { right: 'close_fd(body[0]);', wrong: '', seed: 'refused' },
};

describe('the client of a resident engine, under libFuzzer', { skip: missing(folder) ?? false }, () => {
  it('keeps to its rules whatever a server says', () => assertKept(CLIENT, folder));

  for (const [what, fault] of Object.entries(WRONG)) it(`notices ${what}`, () => assertNoticed(CLIENT, fault, folder));
});
