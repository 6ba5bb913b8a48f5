/** CRIU's messages have the bytes that the specification of protocol buffers gives for rpc.proto. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PbfReader, PbfWriter } from 'pbf';
import { CGROUPS_MODE, REQUEST } from '../../../native/criu/messages.ts';
import { decodeResponse, encodeRequest } from '../../../native/criu/rpc.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('zero and false are written: what is left out is CRIU’s default', () => {
  const options = {
    imagesDirFd: 0,
    leaveRunning: false,
    manageCgroupsMode: CGROUPS_MODE.IGNORE,
    emptyNamespaces: 0,
    parentImage: '',
  };
  // type 1: 08 01; options: 12 length; 1: 08 00; 3: 18 00; 14: 72 00; 34: 90 02 00; 38: b0 02 00
  assert.equal(
    hex(encodeRequest({ type: REQUEST.DUMP, options })),
    '0801120c0800180072009002 00b00200'.replace(' ', ''),
  );
});

test('a member that is not given is not written', () => {
  assert.equal(hex(encodeRequest({ type: REQUEST.VERSION })), '080a');
  assert.equal(hex(encodeRequest({ type: REQUEST.NOTIFY, notifySuccess: false })), '08061800');
  assert.equal(hex(encodeRequest({ type: REQUEST.FEATURE_CHECK, features: { memoryTracking: true } })), '08092a020801');
  assert.equal(hex(encodeRequest({ type: REQUEST.FEATURE_CHECK, features: {} })), '08092a00');
});

test('lists are members that come several times, of messages too', () => {
  const options = {
    imagesDirFd: 7,
    external: ['a', ''],
    inheritFd: [{ key: 'k', fd: 0 }],
    pageServer: { address: 'h', port: 300 },
  };
  assert.equal(
    hex(encodeRequest({ type: REQUEST.RESTORE, options })),
    `08021219${'0807'}${'5a060a016810ac02'}${'da01050a016b1000'}${'aa020161'}${'aa0200'}`,
  );
});

test('a negative descriptor takes ten bytes, as protobuf has it', () => {
  const bytes = encodeRequest({ type: REQUEST.DUMP, options: { imagesDirFd: -1 } });
  assert.equal(hex(bytes), '0801120b08ffffffffffffffffff01');
});

test('a text of any kind comes through', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.boolean(), (root, shellJob) => {
      const bytes = encodeRequest({ type: REQUEST.DUMP, options: { imagesDirFd: 3, root, shellJob } });
      const found: { root?: string; shellJob?: boolean } = {};
      new PbfReader(bytes).readFields((field, _, reader) => {
        if (field !== 2) return;
        reader.readMessage((inner, into, message) => {
          if (inner === 13) into.root = message.readString();
          if (inner === 7) into.shellJob = message.readBoolean();
        }, found);
      }, undefined);
      assert.deepEqual(found, { root, shellJob });
    }),
  );
});

test('answers', () => {
  const answer = (write: (writer: PbfWriter) => void): Uint8Array => {
    const writer = new PbfWriter();
    write(writer);
    return writer.finish();
  };
  const bytesOf = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');
  assert.deepEqual(decodeResponse(bytesOf('0802 1001 2203 08d209')), { type: 2, success: true, restoredPid: 1234 });
  assert.deepEqual(decodeResponse(bytesOf('0801 1000 38f7ffffffffffffffff01')), { type: 1, success: false, errno: -9 });
  assert.deepEqual(decodeResponse(bytesOf('0809 1001 4204 0801 1000')), {
    type: 9,
    success: true,
    features: { memoryTracking: true, lazyPages: false },
  });
  const notify = answer((writer) => {
    writer.writeVarintField(1, REQUEST.NOTIFY);
    writer.writeBooleanField(2, true);
    writer.writeMessage(5, (script: string, inner: PbfWriter) => inner.writeStringField(1, script), 'post-dump');
  });
  assert.deepEqual(decodeResponse(notify), { type: 6, success: true, notify: { script: 'post-dump', pid: 0 } });
  const version = answer((writer) => {
    writer.writeVarintField(1, REQUEST.VERSION);
    writer.writeBooleanField(2, true);
    writer.writeMessage(
      10,
      (_, inner: PbfWriter) => {
        inner.writeVarintField(1, 3);
        inner.writeVarintField(2, 17);
        inner.writeVarintField(4, 1);
        inner.writeStringField(6, 'a name that nobody asked for');
      },
      undefined,
    );
  });
  assert.deepEqual(decodeResponse(version).version, { major: 3, minor: 17, sublevel: 1 });
  assert.throws(() => decodeResponse(new Uint8Array()), /something else/);
});
