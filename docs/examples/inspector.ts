/**
 * Watches the lifecycle machine at work, and asks it what is permitted when: `node docs/examples/inspector.ts`. Nothing
 * is done to this host: the effects only pretend.
 */

import { type ContainerRecord, containerMachine, type LifecycleEvent, newRecord, pretendEffects } from 'runchart';
import { createActor, type InspectionEvent, waitFor } from 'xstate';

// `openRuntime({ inspect })` takes the same function, and so does a browser's inspector.
function inspect(event: InspectionEvent): void {
  if (event.type !== '@xstate.snapshot' || !('value' in event.snapshot)) return;
  console.log(`${'id' in event.actorRef ? event.actorRef.id : ''}: ${JSON.stringify(event.snapshot.value)}`);
}

const record: ContainerRecord = newRecord('c1');
const actor = createActor(containerMachine, { id: record.id, input: { record, effects: pretendEffects() }, inspect });
actor.start();

const REQUESTS: readonly LifecycleEvent[] = [
  { type: 'create' },
  { type: 'start' },
  { type: 'pause' },
  { type: 'delete', force: false },
];
for (const request of REQUESTS) {
  const isPermitted = actor.getSnapshot().can(request);
  console.log(`${request.type} is ${isPermitted ? 'permitted' : 'refused'}`);
  actor.send(request);
  await waitFor(actor, (snapshot) => snapshot.hasTag('settled'));
}
