/** Times of traces. */

/** The time now in seconds since the epoch, with microseconds. */
export const epochSeconds = (): number => (performance.timeOrigin + performance.now()) / 1000;

/** Seconds without what is finer than a microsecond. */
export const microseconds = (seconds: number): number => Math.round(seconds * 1e6) / 1e6;
