/**
 * The stack of an error, with the lines of the sources instead of those of the engine's scripts. `runchart-engine.map`
 * beside the engine tells them (build/source-map.ts). Without that file the stack stays as it is.
 */

import { readSmallFile } from '../../effects/paths/proc.ts';
import { readLink } from '../../native/calls/read-link.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';

interface ScriptMap {
  readonly sources: readonly string[];
  readonly mappings: string;
}

const LARGEST_MAP = 64 << 20;

/** `    at run (chunk-zgas4qe4.js:2:1173)`. */
const FRAME = /\b([\w-]+\.js):(\d+):(\d+)/g;

/** @param stack of an error of the engine's. @returns the same; frames that nothing is known of are left as they are */
export function sourceStack(kernel: Kernel, stack: string): string {
  let maps: Readonly<Record<string, ScriptMap>> | undefined;
  return stack.replace(FRAME, (frame, script: string, line: string, column: string) => {
    maps ??= readMaps(kernel);
    const place = placeIn(maps, { source: script, line: Number(line), column: Number(column) });
    return place === undefined ? frame : `${place.source}:${place.line}`;
  });
}

function readMaps(kernel: Kernel): Readonly<Record<string, ScriptMap>> {
  try {
    const engine = readLink(kernel, AT.FDCWD, '/proc/self/exe') ?? '';
    return JSON.parse(readSmallFile(kernel, `${engine}.map`, LARGEST_MAP));
  } catch {
    return {};
  }
}

/** A place of a script or a source: line and column from 1. */
export interface SourcePlace {
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

/** Where a script's place comes from. What is bundled apart is bundled twice, and its first script has its name. */
export function placeIn(maps: Readonly<Record<string, ScriptMap>>, place: SourcePlace): SourcePlace | undefined {
  const lookUp = (at: SourcePlace): SourcePlace | undefined => {
    const map = Object.hasOwn(maps, at.source) ? maps[at.source] : undefined;
    return map && sourceAt(map, at.line, at.column);
  };
  const found = lookUp(place);
  return found && (lookUp(found) ?? found);
}

/**
 * The source's place of a script's: of the last mapping that begins before it (ECMA-426, "Mappings").
 * @param line from 1. @param column from 1
 */
export function sourceAt({ sources, mappings }: ScriptMap, line: number, column: number): SourcePlace | undefined {
  let [source, sourceLine, sourceColumn] = [0, 0, 0];
  let found: SourcePlace | undefined;
  for (const [index, text] of mappings.split(';').slice(0, line).entries()) {
    let at = 0;
    if (text === '') continue;
    for (const segment of text.split(',')) {
      const [step = 0, file = 0, down = 0, right = 0] = decode(segment);
      at += step;
      source += file;
      sourceLine += down;
      sourceColumn += right;
      if (index === line - 1 && at < column)
        found = { source: sources[source] ?? '?', line: sourceLine + 1, column: sourceColumn + 1 };
    }
  }
  return found;
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const CONTINUES = 32;

/** The numbers of a segment: base 64, five bits each, the lowest first; the first bit is the sign. */
function decode(segment: string): number[] {
  const numbers: number[] = [];
  let [value, shift] = [0, 0];
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value |= (bits & (CONTINUES - 1)) << shift;
    shift += 5;
    if ((bits & CONTINUES) !== 0) continue;
    numbers.push((value & 1) === 0 ? value >> 1 : -(value >> 1));
    [value, shift] = [0, 0];
  }
  return numbers;
}
