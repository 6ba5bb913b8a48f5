/** Waits for what is certain to come. */

import { setTimeout } from 'node:timers/promises';
import { PATIENCE } from '../../integration/patience.ts';

const WAIT_MS = 60_000 * PATIENCE;

/** Asks until the answer is right; a kubelet asks each second. */
export async function until<Answer>(ask: () => Promise<Answer>, isRight: (answer: Answer) => boolean): Promise<Answer> {
  for (let waited = 0; ; waited += 50) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (waited > WAIT_MS) throw new Error(`never: ${JSON.stringify(answer)}`);
    await setTimeout(50);
  }
}
