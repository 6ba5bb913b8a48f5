/** The lines of a stream. */

/** A longer line comes in pieces, so that a stream without newlines does not fill the memory. In UTF-16 units. */
const LONGEST_LINE = 16 << 20;

/** The lines of UTF-8 text, without their newlines. The last one may lack its newline. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let begun = '';
  for await (const chunk of chunks) {
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n');
    begun += first;
    for (const line of others) {
      yield begun;
      begun = line;
    }
    if (begun.length < LONGEST_LINE) continue;
    yield begun;
    begun = '';
  }
  begun += decoder.decode();
  if (begun !== '') yield begun;
}
