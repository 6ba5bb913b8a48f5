/** Dots that run along the ways which containers take. Readers who prefer less motion see the ways flash instead. */

import { draw } from '../chart/svg.ts';
import { elementOf } from './dom.ts';

/** How long a dot takes for its ways, in milliseconds: few are shown slowly, many in the time that a reader has. */
const FOR_ONE = 420;
const FOR_EACH_MORE = 110;
/** With more at once, nobody could follow one. */
const MOST = 24;

interface Runner {
  readonly dot: SVGElement;
  readonly ways: { readonly path: SVGPathElement; readonly length: number }[];
  /** How much of the first way is behind it. */
  passed: number;
  last: number;
}

export class Runners {
  readonly #layer: SVGElement;
  /** One for each container that runs: what it does meanwhile comes after. */
  readonly #runners = new Map<string, Runner>();
  #isMoving = false;

  constructor(layer: SVGElement) {
    this.#layer = layer;
  }

  /** @param lines one after the other, each as the `d` of a path */
  run(key: string, lines: readonly string[], chosen: boolean): void {
    if (document.hidden || (!this.#runners.has(key) && this.#runners.size >= MOST)) return;
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) this.#flash(lines);
    else this.#add(key, lines, chosen);
  }

  #flash(lines: readonly string[]): void {
    const ways = lines.map((d) => elementOf(draw('path', { class: 'way taken flash', d })));
    this.#layer.append(...ways);
    setTimeout(() => {
      for (const way of ways) way.remove();
    }, FOR_ONE);
  }

  #add(key: string, lines: readonly string[], chosen: boolean): void {
    const paths = lines.map((d) => elementOf(draw('path', { d }))).filter((path) => path instanceof SVGPathElement);
    const ways = paths.map((path) => ({ path, length: path.getTotalLength() }));
    const runner = this.#runners.get(key);
    if (runner !== undefined) {
      runner.ways.push(...ways);
      return;
    }
    const dot = elementOf(draw('circle', { class: chosen ? 'runner' : 'runner other', r: chosen ? 7 : 5, cx: -99 }));
    this.#layer.append(dot);
    this.#runners.set(key, { dot, ways, passed: 0, last: performance.now() });
    if (this.#isMoving) return;
    this.#isMoving = true;
    requestAnimationFrame((now) => this.#step(now));
  }

  #step(now: number): void {
    for (const [key, runner] of this.#runners) {
      advance(runner, now);
      const [way] = runner.ways;
      if (way === undefined || !runner.dot.isConnected) {
        runner.dot.remove();
        this.#runners.delete(key);
        continue;
      }
      const point = way.path.getPointAtLength(runner.passed * way.length);
      runner.dot.setAttribute('cx', String(point.x));
      runner.dot.setAttribute('cy', String(point.y));
    }
    this.#isMoving = this.#runners.size > 0;
    if (this.#isMoving) requestAnimationFrame((then) => this.#step(then));
  }
}

function advance(runner: Runner, now: number): void {
  const { ways } = runner;
  const each = (FOR_ONE + FOR_EACH_MORE * (ways.length - 1)) / ways.length;
  runner.passed += Math.max(0, now - runner.last) / each;
  runner.last = now;
  while (runner.passed >= 1 && ways.length > 0) {
    runner.passed -= 1;
    ways.shift();
  }
}
