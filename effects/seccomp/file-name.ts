/**
 * The name of the file for a key: two 32-bit sums, made by rotation, exclusive or and addition, as 16 hexadecimal
 * digits. If two keys have the same name, they push each other out of the cache, and nothing worse. (Multiplications
 * and iterators are avoided, since they are calls, and most commands end before a JIT begins.)
 */
export function nameOf(key: Uint8Array): string {
  const words = new Uint32Array((key.length + 3) >> 2);
  new Uint8Array(words.buffer).set(key);
  let a = key.length;
  let b = 0;
  for (let i = 0; i < words.length; i++) {
    a = ((a << 5) | (a >>> 27)) ^ (words[i] ?? 0);
    b = (((b << 11) | (b >>> 21)) + a) | 0;
  }
  return [a, b].map((sum) => (sum >>> 0).toString(16).padStart(8, '0')).join('');
}
