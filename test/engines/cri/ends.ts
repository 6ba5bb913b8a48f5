/** How containers end, and what a kubelet does about it. */

import { failureOf, shortened } from './client.ts';
import { type Container, ending, type Kubelet, podPid } from './kubelet.ts';
import type { Story } from './story.ts';
import { until } from './until.ts';

const exited = (exit_code: number, reason = exit_code === 0 ? 'Completed' : 'Error') => ({
  state: 'CONTAINER_EXITED',
  exit_code,
  reason,
  message: '',
});

const endOf = async (container: Container) => ending(await container.ended());

const WAIT = 'while :; do sleep 0.05; done';

export const ends: readonly Story[] = [
  {
    title: 'what ends by itself: well, badly, by a signal, by its child’s',
    short: true,
    async play({ pod }: Kubelet) {
      // The first process of a namespace gets no signal that it does not handle; in the pod's it is not the first.
      const one = await pod('ends', { security: { namespace_options: { pid: 'POD' } } });
      const shared = { security: { namespace_options: { network: 'POD', pid: 'POD', ipc: 'POD' } } };
      return Promise.all([
        one.run('well', 'true').then(endOf),
        one.run('badly', 'exit 3').then(endOf),
        one.run('crash', 'kill -SEGV $$', shared).then(endOf),
        one.run('terminated', 'kill -TERM $$', shared).then(endOf),
        one.run('child', "sh -c 'kill -SEGV $$'; exit $?").then(endOf),
      ]);
    },
    expected: [exited(0), exited(3), exited(139), exited(143), exited(139)],
  },
  {
    title: 'what cannot be started: the failure of the call, and the status afterwards',
    async play({ pod }) {
      const one = await pod('faults');
      const faults: Readonly<Record<string, object>> = {
        missing: { args: ['nope'] },
        path: { args: ['/bin/nope'] },
        text: { args: ['/etc/passwd'] },
        // Of these runc says less (docs/errors.md).
        directory: { args: ['/etc'] },
        cwd: { args: ['true'], more: { working_dir: '/etc/passwd' } },
        mount: { args: ['true'], more: { mounts: [{ host_path: '/etc/hostname', container_path: '/tmp' }] } },
      };
      const same = /^(missing|path|text)$/;
      const seen: object[] = [];
      for (const [name, options] of Object.entries(faults)) {
        const container = await one.create(name, '', options);
        const failure = await failureOf(container.start());
        const status = ending(await container.status());
        const told = { name, failure, status, message: failure.details === status.message };
        seen.push(same.test(name) ? told : { ...told, failure: shortened(failure), status: status.reason });
        await container.remove();
      }
      return seen;
    },
  },
  {
    title: 'a stop with time to end, with too little, and with none',
    async play({ pod }) {
      const one = await pod('grace');
      const polite = await one.run('polite', `trap 'echo bye; exit 3' TERM; echo up; ${WAIT}`);
      const deaf = await one.run('deaf', `trap '' TERM; echo up; ${WAIT}`);
      const none = await one.run('none', `trap 'exit 3' TERM; echo up; ${WAIT}`);
      const up = async ({ log }: Container) =>
        until(
          async () => log(),
          (text) => text.includes('up'),
        );
      await Promise.all([polite, deaf, none].map(up));
      const started = performance.now();
      await Promise.all([polite.stop(1000), deaf.stop(1), none.stop(0)]);
      const seconds = (performance.now() - started) / 1000;
      // Whoever stops it twice is told the same.
      await polite.stop(1);
      return [
        seconds > 1 && seconds < 900,
        await endOf(polite),
        polite.log().includes('bye'),
        await endOf(deaf),
        await endOf(none),
      ];
    },
    expected: [true, exited(3), true, exited(137), exited(137)],
  },
  {
    title: 'a lack of memory: of the first process, and of another',
    async play({ pod }) {
      const one = await pod('memory');
      const resources = { memory_limit_in_bytes: 32 << 20, memory_swap_limit_in_bytes: 32 << 20 };
      const eat = 'dd if=/dev/zero of=/dev/null bs=100M count=1 2> /dev/null';
      const first = await one.run('first', `sleep 0.5; exec ${eat}`, { resources });
      const other = await one.run('other', `sleep 0.5; ${eat}; exit 5`, { resources });
      // A kubelet may ask before containerd has heard why it ended.
      const killed = await until(first.status, ({ reason }) => reason === 'OOMKilled');
      return [ending(killed), await endOf(other)];
    },
  },
  {
    title: 'a crash, and the next attempt in the same pod',
    async play({ pod, cri }) {
      const one = await pod('again', { security: { namespace_options: { pid: 'CONTAINER' } } });
      const before = await one.run('main', 'echo first; exit 1');
      const first = await endOf(before);
      const after = await one.run('main', `echo second; ${WAIT}`, { attempt: 1 });
      await before.remove();
      await until(
        async () => after.log(),
        (text) => text.includes('second'),
      );
      const { containers } = await cri.call<{ containers: { metadata: object; state: string }[] }>('ListContainers', {
        filter: { pod_sandbox_id: one.id },
      });
      return [first, containers.map(({ metadata, state }) => ({ metadata, state }))];
    },
    expected: [exited(1), [{ metadata: { name: 'main', attempt: 1 }, state: 'CONTAINER_RUNNING' }]],
  },
  {
    title: 'a pod whose own process was killed is made anew',
    async play({ pod, cri }) {
      const one = await pod('killed');
      const main = await one.run('main', WAIT);
      process.kill(await podPid(cri, one.id), 'SIGKILL');
      const { state } = await until(one.status, (status) => status.state === 'SANDBOX_NOTREADY');
      const { state: meanwhile } = await main.status();
      await one.stop();
      const end = await endOf(main);
      const next = await pod('killed', { attempt: 1 });
      const again = await next.run('main', 'echo again', { attempt: 1 });
      return [state, meanwhile, end, (await next.status()).state, await endOf(again)];
    },
    expected: ['SANDBOX_NOTREADY', 'CONTAINER_RUNNING', exited(137), 'SANDBOX_READY', exited(0)],
  },
];
