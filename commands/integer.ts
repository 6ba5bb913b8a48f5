/** Reads values of integer flags as Go's flag package does: `12`, `-1`, `0x1f`, `0o17`, `1_000`. Pure. */

import { UsageError } from './line.ts';

const FORM = /^([+-]?)(0[xX](?:_?[\da-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*|[1-9](?:_?\d)*)$/;

/**
 * Makes the parser of an integer flag.
 * @param least the smallest value that is accepted
 */
export const integerFor =
  (flag: string, least = Number.MIN_SAFE_INTEGER) =>
  async (text: string): Promise<number> => {
    const [, sign, digits = ''] = FORM.exec(text) ?? [];
    // In Go, a leading zero alone means octal.
    const plain = digits.replaceAll('_', '').replace(/^0(?=[0-7])/, '0o');
    const value = sign === '-' ? -Number(plain) : Number(plain);
    if (plain === '') throw invalid(flag, text, 'parse error');
    if (!Number.isSafeInteger(value)) throw invalid(flag, text, 'value out of range');
    if (value < least) throw invalid(flag, text, `must be at least ${least}`);
    return value;
  };

const invalid = (flag: string, text: string, reason: string): UsageError =>
  new UsageError(`invalid value ${JSON.stringify(text)} for flag -${flag}: ${reason}`);
