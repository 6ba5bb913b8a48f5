/** Turns a trace or a recording into a format of other tools (`--export`). */

import { readRecording } from '../files/recording.ts';
import { chromeTrace } from './chrome.ts';
import { otlpTraces } from './otlp.ts';
import { spansOf } from './spans.ts';

/** @throws Error of one line where the file is no recording and no trace */
export function exported(file: string, format: 'otlp' | 'chrome', warn: (message: string) => void): string {
  const { lines, others } = readRecording(file);
  if (others > 0) warn(`${others} lines of ${file} are none of a recording or a trace: they are left out`);
  const runs = spansOf(lines);
  if (runs.length === 0) throw new Error(`${file} has no command in it: its beginning is missing`);
  return format === 'otlp' ? otlpTraces(runs) : chromeTrace(runs);
}
