/** What the reader has chosen, and how the views follow from it and from what is known of the containers. */

import type { FromPage, Summary } from '../spec/watch/messages.ts';
import type { Layouts } from './chart/layout.ts';
import { clean } from './clean.ts';
import { type Life, lifeOf } from './life.ts';
import { keyOf, Lives } from './lives.ts';
import { type Connection, connect } from './socket.ts';
import { offerThemes } from './theme.ts';
import { clock } from './time.ts';
import { ChartView, type Standing } from './view/chart.ts';
import { byId } from './view/dom.ts';
import { type Listed, ListView } from './view/list.ts';
import type { RecordState } from './view/record.ts';
import { lookOf } from './view/status.ts';
import { StoryView } from './view/story.ts';

const NARROW = '(max-width: 900px)';
const SECOND = 1000;
const NO_LIFE: Life = { path: [], broken: [] };

export class Page {
  readonly #layouts: Layouts;
  readonly #lives = new Lives();
  readonly #chart: ChartView;
  readonly #list: ListView;
  readonly #story: StoryView;
  readonly #filter = byId('filter', HTMLInputElement);
  readonly #narrow = matchMedia(NARROW);
  #send: (message: FromPage) => void = () => undefined;
  #connection: Connection = 'connecting';
  #chosen: string | undefined;
  #asked = new Set<string>();
  #allWays = false;
  #isDue = false;
  /** What a server's clock is ahead of ours, in seconds. */
  #ahead = 0;

  constructor(layouts: Layouts) {
    this.#layouts = layouts;
    const { main, all } = this.#layout();
    this.#chart = new ChartView(byId('chart', HTMLElement), main, all, (key) => this.#choose(key));
    this.#list = new ListView(byId('list', HTMLElement), 'list-title', (key) => this.#choose(key));
    this.#story = new StoryView(byId('story', HTMLElement), () => this.#askRecord());
  }

  start(): void {
    offerThemes(byId('theme', HTMLButtonElement));
    this.#listen();
    const token = new URLSearchParams(location.search).get('token') ?? '';
    const url = new URL(`/page?token=${encodeURIComponent(token)}`, location.href.replace(/^http/, 'ws'));
    this.#send = connect(url.href, {
      onMessage: (message) => {
        if (!this.#lives.take(message)) return;
        if (message.type === 'runchart.hello') this.#greet(message.now);
        this.#plan();
      },
      onChange: (connection) => {
        this.#connection = connection;
        this.#plan();
      },
    });
    setInterval(() => this.#plan(), SECOND);
    this.#draw();
  }

  #listen(): void {
    const ways = byId('ways', HTMLButtonElement);
    ways.addEventListener('click', () => {
      this.#allWays = !this.#allWays;
      ways.setAttribute('aria-pressed', String(this.#allWays));
      this.#setLayout();
    });
    this.#narrow.addEventListener('change', () => this.#setLayout());
    byId('export', HTMLButtonElement).addEventListener('click', () => save(this.#chart.toFile(), 'runchart.svg'));
    this.#filter.addEventListener('input', () => {
      this.#list.scrollToTop();
      this.#plan();
    });
    this.#filter.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown' || event.key === 'Enter') this.#list.focus();
    });
    byId('story', HTMLElement).addEventListener('again', () => this.#plan());
    document.addEventListener('keydown', (event) => {
      if (event.key !== '/' || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      this.#filter.focus();
    });
    document.addEventListener('visibilitychange', () => this.#plan());
  }

  #greet(now: number): void {
    this.#ahead = now - Date.now() / 1000;
    this.#asked = new Set();
  }

  #layout() {
    return this.#narrow.matches ? this.#layouts.narrow : this.#layouts.wide;
  }

  #setLayout(): void {
    const { main, all } = this.#layout();
    this.#chart.setLayout(this.#allWays ? all : main, all);
    this.#plan();
  }

  #choose(key: string): void {
    this.#chosen = key;
    this.#plan();
  }

  #askRecord(): void {
    const summary = this.#summary();
    if (summary === undefined) return;
    this.#asked.add(keyOf(summary.root, summary.id));
    this.#send({ type: 'runchart.ask', root: summary.root, id: summary.id });
    this.#plan();
  }

  #summary(): Summary | undefined {
    return this.#chosen === undefined ? undefined : this.#lives.containers.get(this.#chosen);
  }

  /** Draws once for all that comes before the next frame. A page that nobody sees waits. */
  #plan(): void {
    if (this.#isDue || document.hidden) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  #draw(): void {
    const containers = this.#sorted();
    // The chosen one may be forgotten, after the server was started again.
    if (this.#summary() === undefined) this.#chosen = containers[0]?.key ?? this.#chosen;
    this.#drawTop(containers.length);
    this.#drawChart(containers.map(({ summary }) => summary));
    this.#drawList(containers);
    this.#drawStory();
  }

  /** The newest first. Which is the newest does not change, so no row moves while one reads. */
  #sorted(): { readonly key: string; readonly summary: Summary }[] {
    return [...this.#lives.containers].map(([key, summary]) => ({ key, summary })).reverse();
  }

  #drawTop(count: number): void {
    const { hello } = this.#lives;
    const words: Readonly<Record<Connection, string>> = {
      connecting: 'Connecting…',
      open: hello?.live === false ? 'Recording' : 'Live',
      lost: 'Connection lost. Trying again…',
    };
    const connection = byId('connection', HTMLElement);
    connection.dataset.state = this.#connection;
    setText(connection, words[this.#connection]);
    setText(byId('source', HTMLElement), clean(hello?.file ?? hello?.roots.join('  ') ?? '', 200));
    setText(byId('count', HTMLElement), count === 0 ? '' : String(count));
  }

  #drawChart(summaries: readonly Summary[]): void {
    const there = summaries.filter(({ status, root, id }) => status !== null || keyOf(root, id) === this.#chosen);
    const standings = there.map(standingOf);
    const chosen = this.#summary();
    const life = this.#chosen === undefined ? NO_LIFE : lifeOf(this.#lives.runsOf(this.#chosen));
    this.#chart.show({ standings, chosen: chosen === undefined ? undefined : standingOf(chosen), ...life });
    for (const { key, from, to } of this.#lives.takeMoves()) this.#chart.run(key, from, to, key === this.#chosen);
    const [from, to] = life.path.slice(-2);
    const since = this.#chosen === undefined ? undefined : this.#lives.since.get(this.#chosen);
    const isMove = from !== undefined && to !== undefined && since !== undefined;
    setText(byId('moment', HTMLElement), isMove ? `${clock(since)}  ${clean(from, 60)} → ${clean(to, 60)}` : '');
    setText(byId('place', HTMLElement), chosen === undefined ? '' : `${clean(chosen.id, 60)} is ${lookOf(chosen)}`);
  }

  #drawList(containers: readonly { readonly key: string; readonly summary: Summary }[]): void {
    const words = this.#filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (summary: Summary): boolean => {
      const text =
        `${summary.id} ${lookOf(summary)} ${summary.place} ${summary.engine ?? ''} ${summary.root}`.toLowerCase();
      return words.every((word) => text.includes(word));
    };
    const items: Listed[] = containers
      .filter(({ summary }) => matches(summary))
      .map(({ key, summary }) => ({ summary, since: this.#lives.since.get(key) ?? createdAt(summary) }));
    const empty =
      words.length > 0 ? 'No container matches the filter.' : 'No container yet. Run one: it appears here by itself.';
    this.#list.show(items, this.#chosen, Date.now() / 1000 + this.#ahead, empty);
  }

  #drawStory(): void {
    const summary = this.#summary();
    if (summary === undefined || this.#chosen === undefined) {
      this.#story.show(undefined, 'Choose a container to see what commands did with it.');
      return;
    }
    const record: RecordState =
      this.#lives.records.get(this.#chosen) ?? (this.#asked.has(this.#chosen) ? 'asked' : undefined);
    this.#story.show({ key: this.#chosen, summary, runs: this.#lives.runsOf(this.#chosen), record }, '');
  }
}

const standingOf = ({ root, id, place }: Summary): Standing => ({ key: keyOf(root, id), name: clean(id, 80), place });

function createdAt({ created }: Summary): number | undefined {
  const at = created === undefined ? Number.NaN : Date.parse(created) / 1000;
  return Number.isNaN(at) ? undefined : at;
}

/** A text that is the same is not set again: a reader's selection stays, and nothing is said twice. */
function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function save(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), SECOND);
}
