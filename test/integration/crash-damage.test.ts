/** state.json overwritten with garbage while the container runs: commands say so, and `delete --force` finds everything. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SIGNALS } from '../../native/constants/signal.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { watch } from './chaos/remains.ts';
import { commandsOn, deleteAll, placeIn } from './chaos/scene.ts';

const skip = noContainers;
const work = workFolder('damage');
after(async () => {
  await deleteAll(work.path);
  work.remove();
});

const DAMAGED =
  /^StoreError: the state of container \S+ is damaged: [^\n]+ \(delete --force removes what can be found\)$/;

for (const [name, garbage] of [
  ['empty', ''],
  ['garbage', '\0\u0001 not JSON at all {'],
  ['torn', '{"runchart":1,"snapshot":{"status":"active","value":{"running":"idle"},"context":{"id":'],
  ['foreign', '{"hello":"world"}'],
] as const)
  test(`a running container whose state is ${name}`, { skip }, async () => {
    const bundle = makeBundle(join(work.path, name), shellConfig('sleep 1000 & sleep 1000'));
    const place = placeIn(work.path, name, bundle);
    const { remainsAtLast } = watch(place);
    const commands = commandsOn(place);
    const { init } = await commands.create();
    await commands.start();
    writeFileSync(join(place.root, place.id, 'state.json'), garbage);

    for (const refused of [
      commands.look(),
      commands.start(),
      commands.kill(SIGNALS.SIGTERM),
      commands.ask({ type: 'pause' }),
      commands.ask({ type: 'resume' }),
      commands.delete(false),
    ])
      await assert.rejects(refused, DAMAGED);
    const [listed] = await commands.list();
    assert.match(String(listed?.problem), DAMAGED);
    await assert.rejects(commands.create(), { message: 'container with given ID already exists' });
    assert.ok(existsSync(`/proc/${init?.pid}/stat`), 'none of them touched the container');

    await commands.delete(true);
    assert.deepEqual(await remainsAtLast(), []);
    await commands.create();
    await commands.delete(true);
    assert.deepEqual(await remainsAtLast(), []);
  });

test('a directory without a state is removed, and a cgroup of that name is left to whoever has it', {
  skip,
}, async () => {
  const bundle = makeBundle(join(work.path, 'bare'), shellConfig('sleep 1000'));
  const place = placeIn(work.path, 'bare', bundle);
  const { remainsAtLast } = watch(place);
  const other = commandsOn({ ...place, root: join(work.path, 'state', 'other') });
  await commandsOn(place).create();
  await commandsOn(place).delete(true);
  await other.create();
  mkdirSync(join(place.root, place.id));
  await commandsOn(place).delete(true);
  assert.equal((await other.look()).status, 'created');
  await other.delete(true);
  assert.deepEqual(await remainsAtLast(), []);
});
