/**
 * CRIU's messages as bytes. pbf's own field writers leave out zero and false. They mean something here: a cgroups mode
 * of 0 is `ignore`, but without the member CRIU uses its default. So every member that is given is written.
 */

import { PbfReader, PbfWriter } from 'pbf';
import { type CriuFeatures, type CriuRequest, type CriuResponse, REQUEST_SHAPE, type Shape } from './messages.ts';

type Scalar = number | boolean | string;
type Message = { readonly [name: string]: Value | undefined };
type Value = Scalar | Message | readonly (Scalar | Message)[];

/** Wire types of protocol buffers. */
const VARINT = 0;
const BYTES = 2;

const encoder = new TextEncoder();

export const encodeRequest = (request: CriuRequest): Uint8Array => encode(REQUEST_SHAPE, request);

function encode(shape: Shape, message: Message): Uint8Array {
  const writer = new PbfWriter();
  for (const [name, { number, as }] of Object.entries(shape)) {
    const value = message[name];
    if (value === undefined) continue;
    for (const one of isList(value) ? value : [value]) {
      if (typeof one === 'object') {
        if (typeof as === 'string') throw new TypeError(`${name} is no message`);
        writer.writeTag(number, BYTES);
        writer.writeBytes(encode(as, one));
      } else if (typeof one === 'string') {
        writer.writeTag(number, BYTES);
        // pbf 5.1's own writeString gets characters beyond U+1FFFF wrong.
        writer.writeBytes(encoder.encode(one));
      } else {
        writer.writeTag(number, VARINT);
        writer.writeVarint(Number(one));
      }
    }
  }
  return writer.finish();
}

const isList = (value: Value): value is readonly (Scalar | Message)[] => Array.isArray(value);

/** @throws Error where the bytes are no answer of CRIU's */
export function decodeResponse(bytes: Uint8Array): CriuResponse {
  const response: Writable<CriuResponse> = { type: 0, success: false };
  let cause: unknown;
  try {
    new PbfReader(bytes).readFields(readMember, response);
  } catch (error) {
    cause = error;
  }
  if (cause !== undefined || response.type === 0) throw new Error('CRIU sent something else than an answer', { cause });
  return response;
}

function readMember(field: number, into: Writable<CriuResponse>, reader: PbfReader): void {
  if (field === 1) into.type = reader.readVarint();
  else if (field === 2) into.success = reader.readBoolean();
  else if (field === 4) into.restoredPid = integersOf(reader).get(1) ?? 0;
  else if (field === 5) into.notify = notifyOf(reader);
  else if (field === 7) into.errno = reader.readVarint(true);
  else if (field === 8) into.features = featuresOf(reader);
  else if (field === 9) into.message = reader.readString();
  else if (field === 10) into.version = versionOf(reader);
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** The members of a message that are integers or booleans. */
const integersOf = (reader: PbfReader): ReadonlyMap<number, number> =>
  reader.readMessage((field, into, inner) => {
    if (inner.type === VARINT) into.set(field, inner.readVarint(true));
  }, new Map<number, number>());

const notifyOf = (reader: PbfReader): NonNullable<CriuResponse['notify']> =>
  reader.readMessage(
    (field, into, inner) => {
      if (field === 1) into.script = inner.readString();
      else if (field === 2) into.pid = inner.readVarint(true);
    },
    { script: '', pid: 0 },
  );

function featuresOf(reader: PbfReader): CriuFeatures {
  const found = integersOf(reader);
  return { memoryTracking: found.get(1) === 1, lazyPages: found.get(2) === 1 };
}

function versionOf(reader: PbfReader): NonNullable<CriuResponse['version']> {
  const version: Writable<NonNullable<CriuResponse['version']>> = { major: 0, minor: 0, sublevel: 0 };
  return reader.readMessage((field, into, inner) => {
    if (field === 1) into.major = inner.readVarint();
    else if (field === 2) into.minor = inner.readVarint();
    else if (field === 3) into.gitId = inner.readString();
    else if (field === 4) into.sublevel = inner.readVarint();
  }, version);
}
