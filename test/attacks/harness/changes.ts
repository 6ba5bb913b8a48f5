/** @returns what differs between two lists of lines, as one finding; none where nothing does */
export function changes(before: string, now: string): readonly string[] {
  const [were, are] = [before.split('\n'), now.split('\n')];
  const gone = were.filter((line) => !are.includes(line)).map((line) => `  - ${line}`);
  const come = are.filter((line) => !were.includes(line)).map((line) => `  + ${line}`);
  return before === now ? [] : [['changed outside of the rootfs:', ...gone, ...come].join('\n')];
}
