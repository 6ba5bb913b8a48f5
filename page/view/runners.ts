/** Dots that run along a way while a container takes it. Readers who prefer less motion see the way flash instead. */

import { draw } from '../chart/svg.ts';
import { elementOf } from './dom.ts';

const MILLISECONDS = 520;
/** With more at once, nobody could follow one. */
const MOST = 24;

export class Runners {
  readonly #layer: SVGElement;
  #count = 0;

  constructor(layer: SVGElement) {
    this.#layer = layer;
  }

  /** @param lines one after the other, each as the `d` of a path */
  run(lines: readonly string[], chosen: boolean): void {
    if (this.#count >= MOST || document.hidden) return;
    this.#count++;
    const paths = lines.map((d) => elementOf(draw('path', { d }))).filter((path) => path instanceof SVGPathElement);
    const done = () => {
      this.#count--;
    };
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) this.#flash(lines, done);
    else this.#move(paths, chosen, done);
  }

  #flash(lines: readonly string[], done: () => void): void {
    const ways = lines.map((d) => elementOf(draw('path', { class: 'way taken flash', d })));
    this.#layer.append(...ways);
    setTimeout(() => {
      for (const way of ways) way.remove();
      done();
    }, MILLISECONDS);
  }

  #move(paths: readonly SVGPathElement[], chosen: boolean, done: () => void): void {
    const lengths = paths.map((path) => path.getTotalLength());
    const whole = lengths.reduce((sum, length) => sum + length, 0);
    const dot = elementOf(draw('circle', { class: chosen ? 'runner' : 'runner other', r: chosen ? 7 : 5 }));
    this.#layer.append(dot);
    const began = performance.now();
    const step = (now: number) => {
      const part = Math.min(1, Math.max(0, (now - began) / MILLISECONDS));
      if (part === 1 || !dot.isConnected) {
        dot.remove();
        done();
        return;
      }
      let left = whole * eased(part);
      const index = lengths.findIndex((length) => {
        if (left <= length) return true;
        left -= length;
        return false;
      });
      const point = paths[index]?.getPointAtLength(left);
      dot.setAttribute('cx', String(point?.x ?? 0));
      dot.setAttribute('cy', String(point?.y ?? 0));
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }
}

const eased = (part: number): number => (part < 0.5 ? 2 * part * part : 1 - (-2 * part + 2) ** 2 / 2);
