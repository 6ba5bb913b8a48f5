/** How far a group of test files is, what runs in it for long, and what has been silent for too long. */

/** What the watch calls after each second. Seconds are counted so, since a machine that stood still has lost none. */
const TICK_MS = 1000;
/** A file that takes longer is named. */
const LONG_SECONDS = 30;
const MOST_NAMED = 3;

interface Running {
  readonly since: number;
  heard: number;
  /** What was heard of it last: the name of a test, or nothing yet. */
  last: string;
}

export interface Silent {
  readonly file: string;
  /** What was heard of it last. */
  readonly last: string;
}

export class Progress {
  readonly #total: number;
  readonly #running = new Map<string, Running>();
  #done = 0;
  #now = 0;

  /** @param total how many files there are */
  constructor(total: number) {
    this.#total = total;
  }

  /** A second has passed. */
  tick(): void {
    this.#now++;
  }

  /** Something has happened in a file. @param test the test that it happened in; empty at the file's start */
  hear(file: string, test: string): void {
    const running = this.#running.get(file) ?? { since: this.#now, heard: this.#now, last: '' };
    running.heard = this.#now;
    if (test !== '') running.last = test;
    this.#running.set(file, running);
  }

  done(file: string): void {
    this.#running.delete(file);
    this.#done++;
  }

  /** The files of which nothing was heard for so many seconds. */
  silent(seconds: number): readonly Silent[] {
    return [...this.#running]
      .filter(([, { heard }]) => this.#now - heard >= seconds)
      .map(([file, { last }]) => ({ file, last: last || 'its start' }));
  }

  /** `12 of 40 files, about 3 min left; for 45 s now: test/a.test.ts (the name of a test)` */
  line(shorten: (file: string) => string): string {
    const long = [...this.#running].filter(([, { since }]) => this.#now - since >= LONG_SECONDS);
    const named = long
      .slice(0, MOST_NAMED)
      .map(([file, { since, last }]) => `for ${this.#now - since} s now: ${shorten(file)}${last && ` (${last})`}`);
    const more = long.length > MOST_NAMED ? [`and ${long.length - MOST_NAMED} more`] : [];
    return [`${this.#done} of ${this.#total} files${this.#estimate()}`, ...named, ...more].join('; ');
  }

  /** Files differ much, so there is no estimate before some of them are done. */
  #estimate(): string {
    if (this.#done < this.#total / 10 || this.#done === 0) return '';
    const left = (this.#now / this.#done) * (this.#total - this.#done);
    return left < 60 ? ', less than a minute left' : `, about ${Math.round(left / 60)} min left`;
  }
}

/**
 * Calls `look` each second, and prints how far it is each half minute.
 * @returns what ends that
 */
export function watch(
  progress: Progress,
  print: (line: string) => void,
  shorten: (file: string) => string,
  look: () => void = () => {},
): () => void {
  let seconds = 0;
  const timer = setInterval(() => {
    progress.tick();
    look();
    if (++seconds % LONG_SECONDS === 0) print(progress.line(shorten));
  }, TICK_MS);
  return () => clearInterval(timer);
}
