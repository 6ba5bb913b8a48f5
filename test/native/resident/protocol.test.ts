import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { SYSNO } from '../../../native/constants/sysno.ts';
import {
  ANSWER,
  HEADER_BYTES,
  LARGEST_REQUEST,
  MAGIC,
  MOST_DESCRIPTORS,
  MOST_PRESERVED,
  readRequest,
  sizeOfRequest,
} from '../../../native/resident/protocol.ts';

const C = readFileSync(new URL('../../../native/resident/protocol.h', import.meta.url), 'utf8');

/** The value of a constant of protocol.h. */
function inC(name: string): number {
  const [, text = ''] = new RegExp(`\\b${name} = ([^,}\\s]+(?: << \\d+)?)`).exec(C) ?? [];
  const [, letter] = /^'(.)'$/.exec(text) ?? [];
  if (letter !== undefined) return letter.charCodeAt(0);
  const [base = '', shift = '0'] = text.split(' << ');
  return Number(base) << Number(shift);
}

interface Parts {
  readonly argv?: string;
  readonly env?: string;
  readonly cwd?: string;
  readonly flags?: number;
  readonly preserved?: number;
}

function encoded({ argv = 'runchart\0state\0c1\0', env = 'A=b\0', cwd = '/', flags = 0, preserved = 0 }: Parts = {}) {
  const [a, e, c] = [argv, env, cwd].map((text) => Buffer.from(text));
  if (!a || !e || !c) throw new Error('no parts');
  const header = new Uint32Array([
    MAGIC,
    HEADER_BYTES + a.length + e.length + c.length,
    a.length,
    e.length,
    c.length,
    flags,
    preserved,
    7,
    8,
    99,
  ]);
  return new Uint8Array(Buffer.concat([Buffer.from(header.buffer), a, e, c]));
}

describe('the protocol of a resident server', () => {
  it('has the same numbers on both sides', () => {
    assert.equal(inC('REQUEST_MAGIC'), MAGIC);
    assert.equal(inC('LARGEST_REQUEST'), LARGEST_REQUEST);
    assert.equal(inC('MOST_PRESERVED'), MOST_PRESERVED);
    assert.equal(inC('DESCRIPTORS_ALWAYS') + inC('DESCRIPTORS_OF_STAGE') + MOST_PRESERVED, MOST_DESCRIPTORS);
    assert.equal(inC('BEGUN'), ANSWER.BEGUN[0]);
    assert.equal(inC('NOT_SERVED'), ANSWER.NOT_SERVED[0]);
    const [, struct = ''] = /struct request \{([^}]*)\}/.exec(C) ?? [];
    assert.equal([...struct.matchAll(/\bu32 \w+;/g)].length * 4, HEADER_BYTES);
    const calls = {
      SPAWN: 'client_spawn',
      GO_COLD: 'client_go_cold',
      ATTEND: 'client_attend',
      REAP_ORPHANS: 'client_reap_orphans',
    } as const;
    for (const [name, call] of Object.entries(calls)) assert.deepEqual([inC(name), inC(name)], [...SYSNO[call]]);
  });

  it('says what a client asks for', () => {
    const request = readRequest(encoded({ flags: 1, preserved: 2, cwd: '/tmp/ä' }));
    assert.deepEqual(request, {
      argv: ['state', 'c1'],
      environment: new Uint8Array(Buffer.from('A=b\0')),
      cwd: '/tmp/ä',
      staged: true,
      preserved: 2,
      body: 7,
      connection: 8,
      pid: 99,
      descriptors: 8,
    });
    assert.deepEqual(readRequest(encoded({ argv: 'runchart\0exec\0\0-\0' }))?.argv, ['exec', '', '-']);
    assert.equal(readRequest(encoded({ env: '' }))?.environment.length, 0);
  });

  it('is not spoken by whoever sends anything else', () => {
    for (const parts of [
      { argv: 'runchart\0state' },
      { argv: '' },
      { env: 'A=b' },
      { cwd: 'tmp' },
      { cwd: '' },
      { cwd: '(unreachable)/tmp' },
      { cwd: '/a\0b' },
      { flags: 2 },
      { preserved: MOST_PRESERVED + 1 },
    ])
      assert.equal(readRequest(encoded(parts)), undefined, JSON.stringify(parts));
    // What is not UTF-8 goes the usual way.
    const bytes = encoded({ argv: 'runchart\0x\0' });
    bytes[HEADER_BYTES + 'runchart\0'.length] = 0xff;
    assert.equal(readRequest(bytes), undefined);
  });

  it('is refused where it is cut off, longer, or of another version', () => {
    const whole = encoded();
    for (let length = 0; length < whole.length; length++)
      assert.equal(readRequest(whole.subarray(0, length)), undefined);
    assert.equal(readRequest(new Uint8Array([...whole, 0])), undefined);
    for (let at = 0; at < 20; at++) {
      const wrong = whole.slice();
      wrong[at] = (wrong[at] ?? 0) ^ 0x80;
      assert.equal(readRequest(wrong), undefined, `byte ${at}`);
    }
    assert.equal(sizeOfRequest(whole), whole.length);
    const large = whole.slice();
    new DataView(large.buffer).setUint32(4, LARGEST_REQUEST + 1, true);
    assert.equal(sizeOfRequest(large), undefined);
  });
});
