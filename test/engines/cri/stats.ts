/** What a kubelet measures. Figures differ each time; which there are must not. */

import type { Story } from './story.ts';
import { until } from './until.ts';

const WAIT = 'dd if=/dev/zero of=/dev/null bs=1M count=200 2> /dev/null; while :; do sleep 1; done';

/** Is computed from two samples, and of those whoever asks first may get none; page faults depend on the page cache. */
const VARYING: ReadonlySet<string> = new Set(['usage_nano_cores', 'major_page_faults']);

/** Numbers become `some` or `none`. */
function shape(value: unknown): unknown {
  if (typeof value === 'string' && /^\d+$/.test(value)) return value === '0' ? 'none' : 'some';
  if (typeof value !== 'object' || value === null) return value;
  // Maps have no order.
  if (Array.isArray(value))
    return value.map(shape).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, VARYING.has(key) ? inner !== null : shape(inner)]),
  );
}

interface Stats {
  readonly cpu: { readonly usage_core_nano_seconds: { readonly value: string } } | null;
}

export const stats: readonly Story[] = [
  {
    title: 'stats of a container, of all containers of a pod, and of the pod',
    short: true,
    async play({ pod, cri }) {
      const one = await pod('stats');
      const resources = { memory_limit_in_bytes: 256 << 20 };
      const main = await one.run('main', WAIT, { resources });
      const ask = () => cri.call<{ stats: Stats }>('ContainerStats', { container_id: main.id });
      const first = await until(ask, ({ stats: { cpu } }) => Number(cpu?.usage_core_nano_seconds.value ?? 0) > 0);
      const all = await cri.call('ListContainerStats', { filter: { pod_sandbox_id: one.id } });
      const ofPod = cri.has('PodSandboxStats')
        ? await cri.call('PodSandboxStats', { pod_sandbox_id: one.id }).catch((error) => String(error.details))
        : 'unknown';
      const ended = await one.run('ended', 'true');
      await ended.ended();
      const after = await cri
        .call('ContainerStats', { container_id: ended.id })
        .catch((error) => String(error.details));
      return [shape(first), shape(all), shape(ofPod), shape(after)];
    },
  },
];
