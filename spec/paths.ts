/**
 * A path within the container, made absolute, without `.`, `..`, doubled and trailing slashes. A relative path counts
 * from `/`, and `..` does not lead above that. Only the text is looked at: whoever opens the path resolves symlinks.
 */
export function cleanInside(path: string): string {
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') kept.pop();
    else if (part !== '' && part !== '.') kept.push(part);
  }
  return `/${kept.join('/')}`;
}
