/**
 * A path within the container: absolute, without `.`, `..`, doubled and trailing slashes; what is relative counts
 * from `/`, and `..` stops there. Lexical: symlinks are for whoever opens it.
 */
export function cleanInside(path: string): string {
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') kept.pop();
    else if (part !== '' && part !== '.') kept.push(part);
  }
  return `/${kept.join('/')}`;
}
