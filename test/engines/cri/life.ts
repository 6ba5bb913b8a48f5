/** A pod's life. */

import { failureOf } from './client.ts';
import { ending, pairs } from './kubelet.ts';
import type { Story } from './story.ts';

export const life: readonly Story[] = [
  {
    title: 'a pod and its containers, from the first call to the last',
    short: true,
    async play({ pod, cri, handler }) {
      const one = await pod('life');
      const { state, network } = await one.status();
      const container = await one.run('main', 'echo out; echo err >&2; exit 7');
      const end = ending(await container.ended());
      const log = container.log().replace(/^\S+ /gm, '').split('\n').toSorted();
      await container.remove();
      const gone = await failureOf(container.status());
      await one.stop();
      const stopped = await one.status();
      await one.remove();
      const { items } = await cri.call<{ items: object[] }>('ListPodSandbox', {
        filter: { label_selector: pairs({ handler }) },
      });
      return { state, ip: network?.ip, end, log, gone: gone.code, stopped: stopped.state, items };
    },
    expected: {
      state: 'SANDBOX_READY',
      ip: 'IP',
      end: { state: 'CONTAINER_EXITED', exit_code: 7, reason: 'Error', message: '' },
      log: ['', 'stderr F err', 'stdout F out'],
      gone: 'NOT_FOUND',
      stopped: 'SANDBOX_NOTREADY',
      items: [],
    },
  },
];
