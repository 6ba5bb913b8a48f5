/** The chart that the page draws is the machine's, whole, and nothing in it lies on anything else. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chartLayouts } from '../../../build/chart.ts';
import { containerMachine } from '../../../machines/container.ts';
import { chartFile } from '../../../page/chart/file.ts';
import type { Box, Layout } from '../../../page/chart/layout.ts';
import { modelOf } from '../../../page/chart/model.ts';
import { draw, textOf } from '../../../page/chart/svg.ts';
import { leafOf, waysBetween } from '../../../page/chart/ways.ts';

const { wide, narrow } = await chartLayouts();
const LAYOUTS: Readonly<Record<string, Layout>> = {
  'wide main': wide.main,
  'wide all': wide.all,
  'narrow main': narrow.main,
  'narrow all': narrow.all,
};

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

describe('the model of the chart', () => {
  const model = modelOf(containerMachine);

  it('has a card for each state, and a row for each state inside', () => {
    const states = Object.values(containerMachine.root.states);
    assert.deepEqual(
      model.cards.map(({ id }) => id),
      states.map(({ key }) => key),
    );
    const rows = model.cards.flatMap((card) => card.rows.map(({ id }) => id));
    assert.deepEqual(
      rows,
      states.flatMap((state) => Object.values(state.states).map(({ path }) => path.join('.'))),
    );
    const effects = model.cards.flatMap(({ rows: all }) => all.map(({ effect }) => effect));
    assert.ok(effects.includes('makeMounts'));
  });

  it('has a way wherever the chart has a transition', () => {
    const layout = wide.all;
    for (const top of Object.values(containerMachine.root.states))
      for (const node of [top, ...Object.values(top.states)])
        for (const { target } of [...node.transitions.values()].flat()) {
          const [from, to] = [
            leafOf(layout, node.path.join('.')),
            leafOf(layout, (target?.[0] ?? node).path.join('.')),
          ];
          assert.ok(from !== undefined && to !== undefined);
          if (from !== to) assert.ok(waysBetween(layout, from, to).length > 0, `${from} to ${to}`);
        }
  });
});

for (const [name, layout] of Object.entries(LAYOUTS))
  describe(`the layout of the chart, ${name}`, () => {
    it('has no card that lies on another, and none outside', () => {
      for (const card of layout.cards) {
        assert.ok(card.x >= 0 && card.y >= 0, card.id);
        assert.ok(card.x + card.width <= layout.width && card.y + card.height <= layout.height, card.id);
        for (const other of layout.cards)
          if (other !== card) assert.ok(!overlap(card, other), `${card.id}, ${other.id}`);
      }
    });

    it('has no road that runs across a card', () => {
      for (const { points, from, to } of layout.roads)
        for (const [index, end] of points.entries()) {
          const start = points[index - 1] ?? end;
          const line = {
            x: Math.min(start.x, end.x),
            y: Math.min(start.y, end.y),
            width: Math.abs(start.x - end.x),
            height: Math.abs(start.y - end.y),
          };
          for (const card of layout.cards) assert.ok(!overlap(line, card), `${from} to ${to} on ${card.id}`);
        }
    });

    it('is drawn as a whole', () => {
      const file = chartFile(layout, 'a title & more');
      assert.match(file, /^<svg [^>]*viewBox="0 0 \d+ \d+"/);
      assert.match(file, /<title id="title">a title &amp; more<\/title>/);
      for (const { id } of layout.cards) assert.ok(file.includes(`data-state="${id}"`), id);
      for (const { from, to, cause } of layout.roads) assert.ok(file.includes(`data-way="${from} ${to} ${cause}"`));
      assert.doesNotMatch(file, /NaN|undefined/);
    });
  });

describe('places', () => {
  it('are found as they are told', () => {
    const found = [
      'running',
      'creating.mounts',
      'unwinding',
      'starting',
      'paused.resuming',
      'elsewhere',
      'running.new',
    ];
    assert.deepEqual(
      found.map((place) => leafOf(wide.main, place)),
      [
        'running.idle',
        'creating.mounts',
        'unwinding.whatBegan',
        'starting',
        'paused.resuming',
        undefined,
        'running.idle',
      ],
    );
  });

  it('are connected by the shortest way', () => {
    const names = (from: string, to: string) =>
      waysBetween(wide.all, from, to).map((way) => `${way.from} ${way.to} ${way.cause}`);
    assert.deepEqual(names('creating.mounts', 'creating.rootfs'), ['creating.mounts creating.rootfs done']);
    assert.deepEqual(names('creating.mounts', 'unwinding.init'), [
      'creating unwinding failed',
      'unwinding.whatBegan unwinding.init done',
    ]);
    assert.deepEqual(names('deleted', 'running.idle'), []);
  });
});

describe('a drawing as text', () => {
  it('escapes what could be markup', () => {
    const text = textOf(draw('text', { x: 1.23456, id: '"<>&' }, '</text><script>\u0000\u001b'));
    assert.equal(text, '<text x="1.23" id="&quot;&lt;&gt;&amp;">&lt;/text&gt;&lt;script&gt;\ufffd\ufffd</text>');
  });
});
