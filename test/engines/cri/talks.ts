/** What a person does by kubectl: exec, attach, port-forward, logs. */

import { readFileSync, renameSync } from 'node:fs';
import { failureOf } from './client.ts';
import type { Container, Kubelet } from './kubelet.ts';
import type { Story } from './story.ts';
import { forward, openStream, type Stream } from './streams.ts';
import { until } from './until.ts';

const WAIT = 'while :; do sleep 1; done';
const ALL = { stdin: true, stdout: true, stderr: true };

async function stream({ cri, node }: Kubelet, method: 'Exec' | 'Attach', request: object): Promise<Stream> {
  const { url } = await cri.call<{ url: string }>(method, request);
  return openStream(node.network, url);
}

const exec = (kubelet: Kubelet, { id }: Container, command: readonly string[], options: object = ALL) =>
  stream(kubelet, 'Exec', { container_id: id, cmd: command, ...options });

export const talks: readonly Story[] = [
  {
    title: 'exec with streams: input, both outputs, the status, and failures',
    short: true,
    async play(kubelet) {
      const main = await (await kubelet.pod('exec')).run('main', WAIT);
      const fed = await exec(kubelet, main, ['sh', '-c', 'read line; echo got $line; echo err >&2; exit 7']);
      fed.stdin('typed\n');
      const well = await exec(kubelet, main, ['echo', 'hello'], { stdout: true });
      const none = await exec(kubelet, main, ['nope'], { stdout: true });
      const killed = await exec(kubelet, main, ['sh', '-c', 'kill -9 $$'], { stdout: true, stderr: true });
      return [await fed.end(), await well.end(), await none.end(), await killed.end()];
    },
  },
  {
    title: 'exec in a terminal that is resized',
    async play(kubelet) {
      const main = await (await kubelet.pod('terminal')).run('main', WAIT);
      const shell = await exec(kubelet, main, ['sh'], { stdin: true, stdout: true, tty: true });
      shell.resize(90, 25);
      shell.stdin('tty; until busybox stty size | grep "25 90"; do sleep 0.1; done\n');
      await shell.seen(/^25 90\r$/m);
      shell.resize(100, 30);
      shell.stdin('until busybox stty size | grep "30 100"; do sleep 0.1; done; exit 5\n');
      const { stdout, status } = await shell.end();
      // The echo comes between the lines, or not.
      return [stdout.match(/^(\/dev\/pts\/\d+|25 90|30 100)\r$/gm), status];
    },
  },
  {
    title: 'exec whose client goes away',
    async play(kubelet) {
      const main = await (await kubelet.pod('away')).run('main', WAIT);
      const one = await exec(kubelet, main, ['sh', '-c', 'echo up; cat; echo over >&2']);
      await one.seen(/up/);
      one.close();
      const left = await until(
        () => main.shell('ps -o args | grep -c "^cat$"'),
        (count) => count === '0\n',
      );
      return [left, (await main.status()).state];
    },
  },
  {
    title: 'attach: to what reads, to what is a terminal, and by two clients',
    async play(kubelet) {
      const one = await kubelet.pod('attach');
      const main = await one.run('main', 'while read line; do echo got $line; test $line = end && exit 3; done', {
        more: { stdin: true },
      });
      const attach = (container: Container, options: object) =>
        stream(kubelet, 'Attach', { container_id: container.id, ...options });
      const first = await attach(main, ALL);
      // containerd 1.6 leaves a client without input at once, whatever the runtime.
      const second = await attach(main, ALL);
      first.stdin('one\n');
      await Promise.all([first.seen(/got one/), second.seen(/got one/)]);
      first.stdin('end\n');
      const ends = [await first.end(), await second.end(), (await main.ended()).exit_code];
      const screen = await one.run('screen', 'read line; busybox stty size; exit 4', {
        more: { stdin: true, tty: true },
      });
      const third = await attach(screen, { stdin: true, stdout: true, tty: true });
      third.resize(70, 20);
      await third.stdin('x\n');
      const { stdout } = await third.end();
      const log = screen.log().replace(/^\S+ /gm, '');
      return [ends, /\d+ \d+\r\n$/.test(stdout), log.startsWith('stdout F x'), (await screen.ended()).exit_code];
    },
  },
  {
    title: 'ports of a pod are forwarded',
    async play(kubelet) {
      const { cri, node } = kubelet;
      const one = await kubelet.pod('ports');
      const main = await one.run(
        'main',
        'while :; do busybox nc -l -p 8080 -e sh -c "read line; echo got \\$line"; done',
      );
      await until(
        () => main.shell('cat /proc/net/tcp*'),
        (table) => / [0-9A-F]+:1F90 [0-9A-F]+:0000 0A /.test(table),
      );
      const request = (port: number) =>
        cri.call<{ url: string }>('PortForward', { pod_sandbox_id: one.id, port: [port] });
      const { url } = await request(8080);
      const closed = await request(8081);
      return [
        await forward(node.network, url, 'typed\n'),
        (await forward(node.network, closed.url, 'typed\n')).map((text) => text.includes('connection refused')),
      ];
    },
    expected: [
      ['got typed\n', ''],
      [false, true],
    ],
  },
  {
    title: 'logs: long lines, and a log that is turned over',
    async play({ pod, cri }) {
      const one = await pod('logs');
      const long = 'dd if=/dev/zero bs=20000 count=1 2> /dev/null | tr "\\0" x';
      const main = await one.run(
        'main',
        `${long}; echo; printf unfinished; sleep 0.2; echo " line"
        until test -e /tmp/go; do sleep 0.05; done; echo last`,
      );
      await until(
        async () => main.log(),
        (text) => text.includes(' line'),
      );
      renameSync(main.logPath, `${main.logPath}.old`);
      await cri.call('ReopenContainerLog', { container_id: main.id });
      await main.shell('touch /tmp/go');
      await main.ended();
      const lines = (text: string) =>
        text
          .trim()
          .split('\n')
          .map((line) => line.replace(/^\S+ /, '').replace(/x+/g, (all) => `x×${all.length}`));
      const after = await until(
        async () => main.log(),
        (text) => text.includes('last'),
      );
      const refused = await failureOf(cri.call('ReopenContainerLog', { container_id: main.id }));
      return [lines(readFileSync(`${main.logPath}.old`, 'utf8')), lines(after), refused];
    },
  },
];
