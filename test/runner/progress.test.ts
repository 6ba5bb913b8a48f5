import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Progress } from './progress.ts';

const pass = (progress: Progress, seconds: number): void => {
  for (let i = 0; i < seconds; i++) progress.tick();
};
const line = (progress: Progress): string => progress.line((file) => file.replace('/repo/', ''));

describe('the progress of a run', () => {
  it('counts files, and names those that take longer than half a minute, with their test', () => {
    const progress = new Progress(4);
    progress.hear('/repo/a', '');
    progress.hear('/repo/b', '');
    progress.hear('/repo/b', 'the slow one');
    progress.done('/repo/a');
    pass(progress, 29);
    assert.equal(line(progress), '1 of 4 files, about 1 min left');
    pass(progress, 11);
    assert.equal(line(progress), '1 of 4 files, about 2 min left; for 40 s now: b (the slow one)');
  });

  it('names three at most', () => {
    const progress = new Progress(5);
    for (const file of ['a', 'b', 'c', 'd', 'e']) progress.hear(file, '');
    pass(progress, 30);
    assert.equal(line(progress), '0 of 5 files; for 30 s now: a; for 30 s now: b; for 30 s now: c; and 2 more');
  });

  it('gives no estimate before a tenth of the files is done', () => {
    const progress = new Progress(100);
    progress.done('a');
    pass(progress, 60);
    assert.equal(line(progress), '1 of 100 files');
  });

  it('finds the files that are silent, each by itself, however long they take', () => {
    const progress = new Progress(3);
    progress.hear('a', 'first');
    progress.hear('b', '');
    pass(progress, 9);
    progress.hear('a', 'second');
    pass(progress, 1);
    assert.deepEqual(progress.silent(10), [{ file: 'b', last: 'its start' }]);
    progress.done('b');
    pass(progress, 9);
    assert.deepEqual(progress.silent(10), [{ file: 'a', last: 'second' }]);
  });
});
