/** We read a plain line as oclif does, for every command. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Parser } from '@oclif/core';
import fc from 'fast-check';
import { readLine } from '../../commands/line.ts';
import { parsePlain } from '../../commands/parse.ts';
import { COMMANDS } from '../../commands/table.ts';

for (const [name, load] of COMMANDS) {
  test(`a line for ${name}`, async () => {
    const { default: command } = await load();
    const { flags, args } = command;
    const definitions = Object.entries(flags);
    const word = fc.constantFrom('c1', 'x', '-7', '', 'a=b', '12');
    const given = fc.constantFrom(...definitions).chain(([flag, { type, char }]) => {
      const spelt = fc.constantFrom(`--${flag}`, `-${char ?? flag}`);
      return type === 'boolean'
        ? spelt.map((one) => [one])
        : fc.oneof(
            fc.tuple(spelt, word),
            fc.tuple(spelt, word).map(([one, value]) => [`${one}=${value}`]),
          );
    });
    const line = fc.tuple(fc.array(given, { maxLength: 5 }), fc.array(word, { maxLength: 2 }));
    let plain = 0;
    await fc.assert(
      fc.asyncProperty(line, async ([options, words]) => {
        const { argv } = readLine([...options.flat(), '--', ...words], flags);
        const ours = await parsePlain(argv, { flags, args }).catch((error: unknown) => String(error));
        if (ours === undefined) return;
        plain++;
        const theirs = await Parser.parse([...argv], { flags, args, strict: true }).catch((error: unknown) => error);
        if (typeof ours === 'string' || theirs instanceof Error) {
          assert.ok(
            typeof ours === 'string' && theirs instanceof Error,
            `${argv.join(' ')}: ${ours} against ${theirs}`,
          );
          return;
        }
        const {
          flags: theirFlags,
          args: theirArgs,
          argv: theirArgv,
        } = theirs as { flags: object; args: object; argv: unknown[] };
        const defined = (values: object) =>
          Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
        assert.deepEqual(defined(ours.flags), defined(theirFlags), argv.join(' '));
        assert.deepEqual(defined(ours.args), defined(theirArgs), argv.join(' '));
        // oclif puts defaults first. Nobody asks for that order.
        assert.deepEqual([...ours.argv].sort(), theirArgv.toSorted(), argv.join(' '));
      }),
      { numRuns: 300 },
    );
    // Its only argument is a choice of shells, which oclif checks.
    if (name !== 'completion') assert.ok(plain > 30, 'plain lines are among them');
  });
}
