/**
 * The methods of Array that take a function, for the linked engine. JavaScriptCore has its own as JavaScript sources,
 * and compiles each of them when it is first called, which takes 20 to 110 µs. These methods are in the engine as
 * bytecode, like the rest of our code, and that saves a `run` 0.4 ms (docs/performance.md). They handle what nearly
 * every call is: a plain array, a function, and no `thisArg`. They leave everything else to the engine's own methods.
 */

type Action = (value: unknown, index: number, array: readonly unknown[]) => unknown;
type Combine = (before: unknown, value: unknown, index: number, array: readonly unknown[]) => unknown;

/** Replaces the methods of the prototype. */
export function install(prototype: unknown[]): void {
  const { forEach, map, filter, flatMap, flat, some, every, find, findIndex, findLast, reduce, at } = prototype;
  const own = { forEach, map, filter, flatMap, flat, some, every, find, findIndex, findLast, reduce, at };

  /** Holes of an array are passed over, except by the methods that look for something. */
  const methods = {
    forEach(this: unknown[], action: Action, self?: unknown): void {
      if (this.constructor !== Array || typeof action !== 'function' || self !== undefined)
        own.forEach.call(this, action, self);
      else for (let i = 0, { length } = this; i < length; i++) if (i in this) action(this[i], i, this);
    },
    map(this: unknown[], action: Action, self?: unknown): unknown[] {
      if (this.constructor !== Array || typeof action !== 'function' || self !== undefined)
        return own.map.call(this, action, self);
      const { length } = this;
      const made = new Array(length);
      for (let i = 0; i < length; i++) if (i in this) made[i] = action(this[i], i, this);
      return made;
    },
    filter(this: unknown[], action: Action, self?: unknown): unknown[] {
      if (this.constructor !== Array || typeof action !== 'function' || self !== undefined)
        return own.filter.call(this, action, self);
      const kept: unknown[] = [];
      for (let i = 0, { length } = this; i < length; i++) {
        if (!(i in this)) continue;
        const value = this[i];
        if (action(value, i, this)) kept.push(value);
      }
      return kept;
    },
    flatMap(this: unknown[], action: Action, self?: unknown): unknown[] {
      if (this.constructor !== Array || typeof action !== 'function' || self !== undefined)
        return own.flatMap.call(this, action, self);
      const made: unknown[] = [];
      for (let i = 0, { length } = this; i < length; i++) if (i in this) addFlat(made, action(this[i], i, this));
      return made;
    },
    flat(this: unknown[], depth?: number): unknown[] {
      if (this.constructor !== Array || depth !== undefined) return own.flat.call(this, depth);
      const made: unknown[] = [];
      for (let i = 0, { length } = this; i < length; i++) if (i in this) addFlat(made, this[i]);
      return made;
    },
    some(this: unknown[], action: Action, self?: unknown): boolean {
      if (this.constructor !== Array || typeof action !== 'function' || self !== undefined)
        return own.some.call(this, action, self);
      for (let i = 0, { length } = this; i < length; i++) if (i in this && action(this[i], i, this)) return true;
      return false;
    },
    every(this: unknown[], action: Action, self?: unknown): boolean {
      if (this.constructor !== Array || typeof action !== 'function' || self !== undefined)
        return own.every.call(this, action, self);
      for (let i = 0, { length } = this; i < length; i++) if (i in this && !action(this[i], i, this)) return false;
      return true;
    },
    find(this: unknown[], action: Action, self?: unknown): unknown {
      if (this.constructor !== Array || typeof action !== 'function' || self !== undefined)
        return own.find.call(this, action, self);
      for (let i = 0, { length } = this; i < length; i++) {
        const value = this[i];
        if (action(value, i, this)) return value;
      }
      return undefined;
    },
    findIndex(this: unknown[], action: Action, self?: unknown): number {
      if (this.constructor !== Array || typeof action !== 'function' || self !== undefined)
        return own.findIndex.call(this, action, self);
      for (let i = 0, { length } = this; i < length; i++) if (action(this[i], i, this)) return i;
      return -1;
    },
    findLast(this: unknown[], action: Action, self?: unknown): unknown {
      if (this.constructor !== Array || typeof action !== 'function' || self !== undefined)
        return own.findLast.call(this, action, self);
      for (let i = this.length - 1; i >= 0; i--) {
        const value = this[i];
        if (action(value, i, this)) return value;
      }
      return undefined;
    },
    reduce(this: unknown[], combine: Combine, ...initial: readonly unknown[]): unknown {
      if (this.constructor !== Array || typeof combine !== 'function' || initial.length === 0)
        return Reflect.apply(own.reduce, this, [combine, ...initial]);
      let [value] = initial;
      for (let i = 0, { length } = this; i < length; i++) if (i in this) value = combine(value, this[i], i, this);
      return value;
    },
    at(this: unknown[], index: number): unknown {
      if (this.constructor !== Array || !Number.isInteger(index)) return own.at.call(this, index);
      return this[index < 0 ? this.length + index : index];
    },
  };
  // An assignment keeps the properties hidden from enumeration, as they were.
  Object.assign(prototype, methods);
}

function addFlat(made: unknown[], value: unknown): void {
  if (!Array.isArray(value)) made.push(value);
  else for (let i = 0, { length } = value; i < length; i++) if (i in value) made.push(value[i]);
}
