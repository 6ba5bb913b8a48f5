/**
 * Whoever reaches the socket of an init that waits for `start` says anything to it: its maker, whom it serves, and
 * another user, whom it must not serve, even where the socket was opened to all.
 *
 * Its maker could have it do anything by a message that is right; so his only ask for calls that change nothing, and
 * are wrong in all else: sizes, counts, flags, indexes of results, what is missing or too much, what comes late.
 *
 * Findings: the init died; the container does not start afterwards, or does not do its work; another user was answered.
 */

import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { text as outputOf } from 'node:stream/consumers';
import type { Call, SyscallName } from '../../native/kernel/kernel.ts';
import { messageWriter } from '../../native/performers/message.ts';
import { bind, mounting, writable } from '../integration/configs.ts';
import { textOf } from '../integration/gone-meanwhile.ts';
import { until } from '../integration/lives.ts';
import { USER } from '../integration/ordinary-user.ts';
import { PATIENCE } from '../integration/patience.ts';
import type { Attack } from './harness/attack.ts';
import { failures } from './harness/command.ts';
import type { Ground } from './harness/ground.ts';
import type { Random } from './harness/random.ts';
import { noAttacks } from './harness/yard.ts';

const STRANGER = 54_323;
const MESSAGES = 12;
/** As native/init/init.c has them. */
const [HEADER_BYTES, CALL_BYTES] = [16, 56];
/** Whose arguments the kernel does not look at. */
const HARMLESS: readonly SyscallName[] = ['getpid', 'getuid', 'gettid'];

export const protocolGarbage: Attack = {
  name: 'protocol-garbage',
  skip: noAttacks,
  async attempt(ground, random) {
    const caller = ground.caller(random);
    const id = ground.name(caller);
    const worked = join(ground.made('volume'), 'worked');
    chmodSync(join(worked, '..'), 0o777);
    const config = writable(
      mounting(caller.config('echo worked > /volume/worked; exec sleep 1000'), bind('/volume', join(worked, '..'))),
    );
    const created = await ground.command(caller, 'create', '--bundle', ground.bundle(caller, config), id);
    const findings = [...failures(created)];
    const folder = join(caller.root, id);
    // As a careless administrator might: so that the init's own look at who connects is what counts.
    for (const path of [caller.root, join(caller.root, '..'), folder]) chmodSync(path, 0o755);
    chmodSync(join(folder, 'start.sock'), 0o666);
    for (let i = 0; i < MESSAGES; i++) {
      const stranger = random.chance(0.3);
      const text = pieces(stranger ? garbage(random) : message(random), random);
      const said = await send(ground, folder, stranger ? STRANGER : caller.who === 'user' ? USER : 0, text);
      if ((stranger ? ['closed'] : ['closed', 'silent', 'answered']).includes(said.split(' ')[0] ?? '')) continue;
      findings.push(
        `${stranger ? 'another user' : 'its maker'}, ${i} messages later: ${said} by ${text.slice(0, 1000)}`,
      );
      break;
    }
    findings.push(...failures(await ground.command(caller, 'start', id)));
    await until('it works', () => textOf(worked) === 'worked\n' || findings.length > 0);
    return findings;
  },
};

/** A message of harmless calls, wrong in some places or in none. */
function message(random: Random): Buffer {
  const calls: readonly Call[] = Array.from({ length: random.below(6) }, () => ({
    name: random.pick(HARMLESS),
    args: [],
    ...(random.chance(0.5) ? { mayFail: true as const } : {}),
  }));
  const { bytes, size } = messageWriter(process.arch === 'arm64' ? 1 : 0)(calls, random.chance(0.3));
  const sound = Buffer.from(bytes.subarray(0, size));
  for (let times = random.below(4); times > 0; times--) spoil(sound, calls.length, random);
  const [end, more] = [
    random.chance(0.2) ? random.below(sound.length) : sound.length,
    random.chance(0.2) ? random.below(100) : 0,
  ];
  return Buffer.concat([sound.subarray(0, end), random.bytes(more)]);
}

/** Everywhere but in the numbers of the calls: another call might do anything. */
function spoil(sound: Buffer, calls: number, random: Random): void {
  const value = random.pick([
    0,
    1,
    2,
    15,
    16,
    17,
    calls + 1,
    100,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 20,
    8 << 20,
    random.below(2 ** 32),
  ]);
  if (calls === 0 || random.chance(0.4)) {
    sound.writeUInt32LE(value, 4 * random.below(4));
    return;
  }
  const call = HEADER_BYTES + random.below(calls) * CALL_BYTES;
  if (random.chance(0.5)) sound.writeUInt32LE(value, call + 4);
  else sound.writeBigUInt64LE(BigInt(value) << BigInt(random.pick([0, 0, 32])), call + 8 + 8 * random.below(6));
}

const garbage = (random: Random): Buffer => (random.chance(0.5) ? message(random) : random.bytes(random.below(2000)));

/** In hexadecimal digits, with a pause here and there. */
function pieces(bytes: Buffer, random: Random): string {
  const at = random.chance(0.3) ? random.below(bytes.length + 1) : bytes.length;
  return `${bytes.subarray(0, at).toString('hex')} ${bytes.subarray(at).toString('hex')}`;
}

/** From the container's directory: the whole path may be longer than a socket's address can be. */
async function send(ground: Ground, folder: string, uid: number, text: string): Promise<string> {
  // Nobody has to wait for an answer to garbage; that a connection is closed is certain to come.
  const patience = uid === STRANGER ? 10_000 * PATIENCE : 30;
  const argv = [
    '--reuid',
    `${uid}`,
    '--regid',
    `${uid}`,
    '--clear-groups',
    ground.compiled('send'),
    'start.sock',
    `${patience}`,
  ];
  const child = ground.talk('setpriv', argv, folder);
  child.stdin.end(text);
  return (await outputOf(child.stdout)).trim();
}
