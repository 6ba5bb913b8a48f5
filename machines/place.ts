/** Where a lifecycle machine is, in one word: `creating.mounts`, `running`. */

export function placeOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([state, inner]) => (inner === 'idle' ? state : `${state}.${placeOf(inner)}`))
    .join();
}
