/**
 * A 64-bit checksum, fast without a JIT: two FNV-like lanes, a 32-bit word at a time. It tells damage, and names files;
 * it is no defence against anyone. (The engine's hashes live in node:crypto, whose import costs 5 ms.)
 */
export function fingerprint(bytes: Uint8Array): bigint {
  const words = new Uint32Array((bytes.length + 3) >> 2);
  new Uint8Array(words.buffer).set(bytes);
  let a = 0x811c9dc5 ^ bytes.length;
  let b = 0x9747b28c;
  for (const word of words) {
    a = Math.imul(a ^ word, 0x01000193);
    a ^= a >>> 15;
    b = Math.imul(b ^ a ^ (word >>> 7), 0x85ebca6b);
    b = (b << 13) | (b >>> 19);
  }
  return (BigInt(a >>> 0) << 32n) | BigInt(b >>> 0);
}
