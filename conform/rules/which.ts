/** Which rule a step is about. Pure. */

import type { HookName } from '../../spec/types.ts';
import { failingHook } from '../model/bundles.ts';
import { type Model, statusIn } from '../model/model.ts';
import type { Single, Step } from '../model/steps.ts';
import type { RuleName } from './rules.ts';

const HOOK_FAILS: Readonly<Record<HookName, RuleName>> = {
  prestart: 'prestartFails',
  createRuntime: 'createRuntimeFails',
  createContainer: 'createContainerFails',
  startContainer: 'startContainerFails',
  poststart: 'poststartFails',
  poststop: 'poststopFails',
};

/** The rule that asks for a step's success, before anything is known of it. */
export function rulePermitting(step: Single, { configChanged, container }: Model): RuleName {
  if ('happens' in step) return 'stopped';
  switch (step.ask) {
    case 'create':
      return 'create';
    case 'start':
      return configChanged ? 'settled' : 'starts';
    case 'kill':
      return step.all ? 'permits' : 'signals';
    case 'delete':
      if (step.force) return 'forced';
      return container?.bundle === 'bad-poststop' ? 'poststopFails' : 'deletes';
    case 'exec':
      return configChanged ? 'settled' : 'executes';
    default:
      return 'permits';
  }
}

/** The rule that asks for a step's failure. */
export function ruleRefusing(step: Single, model: Model): RuleName {
  if ('happens' in step) return 'noEffect';
  const failing = hookThatFails(step, model);
  if (failing !== undefined) return HOOK_FAILS[failing];
  switch (step.ask) {
    case 'create':
      return model.container === undefined ? 'applies' : 'unique';
    case 'create-misnamed':
      return 'unique';
    case 'start':
      return statusIn(model) === 'created' ? 'starts' : 'startRefused';
    case 'kill':
      return step.all ? 'refuses' : 'killRefused';
    case 'delete':
      return 'deleteRefused';
    default:
      return 'refuses';
  }
}

/** The rule that a step's effect belongs to, if the container is in another status than it should be. */
export function ruleOfEffect(step: Step, before: Model, after: Model, failed: boolean): RuleName {
  if ('atOnce' in step) return 'oneAfterTheOther';
  const status = statusIn(after);
  if (failed) {
    const isChanged = statusIn(before) !== status;
    return isChanged || hookThatFails(step, before) !== undefined
      ? ruleRefusing(step, before)
      : refusedEffect(step, before);
  }
  if (status === undefined) return rulePermitting(step, before);
  if (status === 'created' || status === 'running' || status === 'stopped' || status === 'paused') return status;
  return 'stateKnown';
}

function refusedEffect(step: Single, before: Model): RuleName {
  if (before.container === undefined) return 'ask' in step && step.ask === 'create' ? 'applies' : 'stateUnknown';
  const rule = ruleRefusing(step, before);
  // These say themselves that there may be no effect.
  return rule === 'startRefused' || rule === 'killRefused' || rule === 'deleteRefused' ? rule : 'noEffect';
}

/** The hook that fails in a step, unless the step is refused before. */
function hookThatFails(step: Single, model: Model): HookName | undefined {
  if (!('ask' in step)) return undefined;
  if (step.ask === 'create' && model.container === undefined) {
    const hook = failingHook(step.bundle);
    return hook === 'startContainer' || hook === 'poststart' || hook === 'poststop' ? undefined : hook;
  }
  if (step.ask !== 'start' || statusIn(model) !== 'created' || model.container === undefined) return undefined;
  const hook = failingHook(model.container.bundle);
  return hook === 'startContainer' || hook === 'poststart' ? hook : undefined;
}
