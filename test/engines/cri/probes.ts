/** Probes of the kind `exec`. */

import { failureOf, shortened } from './client.ts';
import type { Container } from './kubelet.ts';
import type { Story } from './story.ts';
import { until } from './until.ts';

const WAIT = 'while :; do sleep 1; done';

/** Commands in the container, but for its shell, what that waits for, and those that look. */
const others = (container: Container): Promise<string> =>
  container.shell("ps -o args | grep -v -e '^sleep 1$' -e ps -e grep -e while -e COMMAND");

export const probes: readonly Story[] = [
  {
    title: 'a probe’s status, its output on both streams, and its empty input',
    short: true,
    async play({ pod }) {
      const one = await (await pod('probe')).run('main', WAIT);
      return [
        await one.probe(['true'], 1),
        await one.probe(['sh', '-c', 'echo out; echo err >&2; exit 5'], 10),
        await one.probe(['cat'], 10),
        await one.probe(['sh', '-c', 'kill -9 $$'], 10),
        await one.probe(['sh', '-c', 'dd if=/dev/zero bs=1000 count=300 2> /dev/null | tr "\\0" x | wc -c'], 10),
        (await one.probe(['sh', '-c', 'dd if=/dev/zero bs=1000 count=300 2> /dev/null | tr "\\0" x'], 30)).stdout
          .length,
        await one.probe(['pwd'], 10),
        await one.probe(['env'], 10),
      ];
    },
  },
  {
    title: 'a probe that cannot be made',
    async play({ pod }) {
      const one = await pod('no-probe');
      const main = await one.run('main', WAIT);
      const created = await one.create('created', WAIT);
      const ended = await one.run('ended', 'true');
      await ended.ended();
      return [
        await failureOf(main.probe(['nope'], 1)),
        await failureOf(main.probe(['/etc/passwd'], 1)),
        // Of this runc says less.
        shortened(await failureOf(main.probe(['/etc']))),
        await failureOf(created.probe(['true'], 1)),
        await failureOf(ended.probe(['true'], 1)),
      ];
    },
  },
  {
    title: 'a probe that takes too long is ended with its children',
    async play({ pod }) {
      const one = await (await pod('slow')).run('main', WAIT);
      // containerd waits for what the probe's child has open; the child of the second one ends by itself.
      const slow = await Promise.all([
        failureOf(one.probe(['sleep', '1000'], 1)),
        failureOf(one.probe(['sh', '-c', "trap '' TERM INT; echo begun; sleep 4; echo over"], 1)),
      ]);
      const left = await until(
        () => others(one),
        (text) => !/sleep 1000/.test(text),
      );
      return [slow, left, await one.probe(['true'], 1)];
    },
  },
];

/** Long, since there are many. */
export const manyProbes: Story = {
  title: '200 probes, ten at a time: well, badly, too late, and of nothing',
  async play({ pod }) {
    const one = await (await pod('many')).run('main', WAIT);
    const seen: unknown[] = Array(200);
    let next = 0;
    const prober = async () => {
      for (let n = next++; n < seen.length; n = next++) {
        if (n % 20 === 7) seen[n] = await failureOf(one.probe(['sleep', String(1000 + n)], 1));
        else if (n % 20 === 13) seen[n] = await failureOf(one.probe([`nope-${n}`], 10));
        else seen[n] = await one.probe(['sh', '-c', `echo ${n}; exit ${n % 5}`], 60);
      }
    };
    await Promise.all(Array.from({ length: 10 }, prober));
    const left = await until(
      () => others(one),
      (text) => text === '',
    );
    return [seen, left, await one.status().then(({ state }) => state)];
  },
};
