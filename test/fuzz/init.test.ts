/**
 * Messages of all kinds to the init's own source (native/init/init.c). fuzz/init.c has the rules that each call and
 * each answer is held to; fuzz/messages, what it begins with.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { assertKept, assertNoticed, type Fuzzed, missing, type Wrong } from './libfuzzer.ts';

const folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
after(() => rmSync(folder, { recursive: true }));

/** An input may be as long as the longest message of the harness, and some more for what follows it. */
const INIT: Fuzzed = {
  ...{ harness: 'init.c', seeds: 'messages', longest: 3000 },
  sources: ['init/init.c', 'init/batches.h'],
};

const WRONG: Record<string, Wrong> = {
  'an index of a result that is not checked': {
    ...{ right: 'call->args[i] >= index', wrong: '0', seed: 'result-of-the-call-itself' },
  },
  'an answer larger than its half': { right: ' && answer <= half', wrong: '', seed: 'answer-that-does-not-fit' },
  'a message larger than its half': { right: 'm->size <= half && ', wrong: '', seed: 'message-that-does-not-fit' },
  'more calls than the message has': {
    ...{ right: ' && m->size >= sizeof *m + calls', wrong: '', seed: 'fewer-calls-than-it-says' },
  },
  'a malformed message that ends an init that waits': {
    ...{ right: 'if (!again.flags)', wrong: 'if (!again.flags || !lost)', seed: 'malformed-while-it-waits' },
  },
  'out buffers with bytes of earlier answers': { right: 'at[i] = 0', wrong: '', seed: 'out-buffers-after-results' },
  'a connection that begins as if stopped': {
    ...{ right: 'lost = stopped = 0', wrong: 'lost = 0', seed: 'stopped-as-its-connection-ends' },
  },
  'a call to serve on that asks for results': {
    ...{ right: ' || call->flags & RESULTS', wrong: '', seed: 'waits-on-a-result' },
  },
  'a stranger who is served': { right: ' && peer[1] == uid', wrong: '', seed: 'waits-for-many-connections' },
  'a shortage that ends an init that waits': {
    ...{ right: 'else if (is_shortage(next))', wrong: 'else if (0)', seed: 'waits-for-many-connections' },
  },
  'a call to serve on with others after it': {
    ...{ right: ' || index + 1 != count', wrong: '', seed: 'waits-with-a-call-after-it' },
  },
};

describe('the init, under libFuzzer', { skip: missing(folder) ?? false }, () => {
  it('keeps to its rules whatever it is sent', () => assertKept(INIT, folder));

  for (const [what, fault] of Object.entries(WRONG)) it(`notices ${what}`, () => assertNoticed(INIT, fault, folder));
});
