/**
 * The messages of the CRI, as containerd itself describes them. Each Go program holds the descriptors of its protocols,
 * so what is read from containerd's executable fits the version that is installed, and no copy of the CRI's text is
 * needed. The protocol is documented at https://kubernetes.io/docs/concepts/containers/cri/.
 */

import { readFileSync } from 'node:fs';
import { constants, gunzipSync } from 'node:zlib';
import { loadFileDescriptorSetFromBuffer, type PackageDefinition } from '@grpc/proto-loader';

/** The beginning of its FileDescriptorProto: the name (field 1) and the package (field 2), with their lengths. */
const BEGINNING = Buffer.from('\x0a\x09api.proto\x12\x0aruntime.v1');
/** The generator embeds descriptors compressed. The header has neither a name nor a time. */
const GZIP = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
/** It takes 24 kB without compression. */
const LARGEST = 1 << 20;
const LENGTH_DELIMITED = 2;

/** @param executable the path of containerd */
export function criMessages(executable: string): PackageDefinition {
  const program = readFileSync(executable);
  const found = descriptor(program);
  if (found === undefined) throw new Error(`${executable} holds no descriptor of the CRI (api.proto, runtime.v1)`);
  const set = Buffer.concat([head(found.length), found]);
  return loadFileDescriptorSetFromBuffer(set, { keepCase: true, longs: String, enums: String, defaults: true });
}

function descriptor(program: Buffer): Buffer | undefined {
  for (let at = program.indexOf(GZIP); at >= 0; at = program.indexOf(GZIP, at + 1))
    try {
      const content = gunzipSync(program.subarray(at, at + LARGEST), { finishFlush: constants.Z_SYNC_FLUSH });
      if (content.indexOf(BEGINNING) === 0) return content;
    } catch {
      // The same bytes may stand for something else.
    }
  return undefined;
}

/** The head of a FileDescriptorSet's only file (field 1). */
function head(length: number): Buffer {
  const bytes = [(1 << 3) | LENGTH_DELIMITED];
  let rest = length;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
