/** Shows what one command did: its phases as bars on one scale of time, with their calls, warnings and failures. */

import { clean } from '../clean.ts';
import { callText, type Phase, performersOf, type Story } from '../story.ts';
import { clock, duration } from '../time.ts';
import { make } from './dom.ts';

/** Of the calls of one phase, so many are shown. */
const MOST_CALLS = 500;
const LONGEST_MESSAGE = 2000;

/** @param open whether its phases are in sight */
export function runElement(story: Story, open: boolean): HTMLDetailsElement {
  const failed = (story.status ?? 0) !== 0 || story.error !== undefined;
  const outcome = story.ended ? (story.status === undefined ? '' : `exit ${story.status}`) : 'running…';
  const head = make(
    'summary',
    {},
    make('span', { class: 'command' }, clean(story.title, 60)),
    make('span', { class: 'at' }, clock(story.began)),
    make('span', { class: 'took' }, duration(story.seconds)),
    make('span', { class: failed ? 'outcome bad' : 'outcome' }, outcome),
  );
  const whole = Math.max(story.seconds, 1e-9);
  const phases = story.phases.map((phase) => phaseElement(phase, story.began, whole));
  const isTold = story.phases.some(({ failures }) => failures.some(({ message }) => story.error?.includes(message)));
  const error =
    story.error === undefined || isTold ? [] : [make('p', { class: 'note bad' }, clean(story.error, LONGEST_MESSAGE))];
  return make(
    'details',
    { class: failed ? 'run bad' : 'run', open },
    head,
    make('div', { class: 'phases' }, ...phases),
    ...error,
  );
}

function phaseElement(phase: Phase, began: number, whole: number): HTMLElement {
  const { place, at, seconds, requests, failures, warnings, calls, lost } = phase;
  const bar = make('span', { class: failures.length > 0 ? 'bar bad' : 'bar' });
  bar.style.setProperty('--from', String(Math.min(1, Math.max(0, (at - began) / whole))));
  bar.style.setProperty('--part', String(Math.min(1, (seconds ?? 0) / whole)));
  return make(
    'div',
    { class: 'phase' },
    make(
      'div',
      { class: 'line' },
      make('span', { class: 'place' }, place === '' ? 'before' : clean(place, 120)),
      make('span', { class: 'scale', 'aria-hidden': 'true' }, bar),
      make('span', { class: 'took' }, seconds === undefined ? '' : duration(seconds)),
    ),
    ...callsOf(phase, calls.length),
    ...requests.map(({ request, seconds }) =>
      make(
        'p',
        { class: 'request' },
        clean(request, 60),
        make('span', { class: 'took' }, seconds === undefined ? '' : duration(seconds)),
      ),
    ),
    ...warnings.map(({ message }) =>
      make('p', { class: 'note warn' }, make('strong', {}, 'Warning '), clean(message, LONGEST_MESSAGE)),
    ),
    ...failures.map(({ during, message, code }) =>
      make(
        'p',
        { class: 'note bad' },
        make('strong', {}, `${clean(during, 100)} failed${code === undefined ? '' : ` (${clean(code, 40)})`} `),
        clean(message, LONGEST_MESSAGE),
      ),
    ),
    ...(lost === 0 ? [] : [make('p', { class: 'note' }, `${lost} lines are missing here: the watcher was too slow.`)]),
  );
}

function callsOf({ calls }: Phase, count: number): HTMLElement[] {
  if (count === 0) return [];
  const who = performersOf(calls).map(({ who, count: own, failed, seconds }) => {
    const failures = failed === 0 ? '' : ` (${failed} failed)`;
    return `${clean(who, 30)} ${own}${failures}${seconds === 0 ? '' : `, ${duration(seconds)}`}`;
  });
  const summary = make('summary', {}, `${count} system call${count === 1 ? '' : 's'}: ${who.join(' · ')}`);
  const details = make('details', { class: 'calls' }, summary);
  // They are many, and few readers want them all.
  details.addEventListener('toggle', () => {
    if (!details.open || details.children.length > 1) return;
    const lines = calls
      .slice(0, MOST_CALLS)
      .map((call) =>
        make(
          'li',
          { class: call.errno === undefined ? false : 'bad' },
          make('span', { class: 'who' }, clean(call.who, 20)),
          make('code', {}, clean(callText(call), 600)),
          make('span', { class: 'took' }, call.seconds === undefined ? '' : duration(call.seconds)),
        ),
      );
    details.append(make('ol', {}, ...lines));
    if (count > MOST_CALLS) details.append(make('p', { class: 'note' }, `The first ${MOST_CALLS} of ${count}.`));
  });
  return [details];
}
