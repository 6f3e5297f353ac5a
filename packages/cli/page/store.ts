/** How the page stays in touch with the tool that serves it. */
import type { Message } from '../src/dashboard/model.ts';
import { after, keyInAddress, type State } from './state.ts';

const SILENCE_MS = 12_000;
const AGAIN_MS = 2000;

/** Keeps one stream open, for the Upgrade that is looked at; none while nobody looks, as a browser has six for all of its tabs. */
export class Store {
  #state: State = { aheadMs: 0 };
  #source: EventSource | undefined;
  #heardAt = 0;
  #again: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();
  #drawing = false;

  get state(): State {
    return this.#state;
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    addEventListener('hashchange', () => this.#open());
    document.addEventListener('visibilitychange', () => this.#open());
    setInterval(() => this.#watch(), 1000);
    this.#open();
  }

  #set(state: State): void {
    this.#state = state;
    // Many messages between two pictures are drawn once.
    if (!this.#drawing) {
      this.#drawing = true;
      requestAnimationFrame(() => {
        this.#drawing = false;
        for (const listener of this.#listeners) {
          listener();
        }
      });
    }
  }

  #open(): void {
    this.#source?.close();
    clearTimeout(this.#again);
    const key = keyInAddress(location.hash);
    if (key !== this.#state.key) {
      const { key: _key, detail: _detail, fault: _fault, ...rest } = this.#state;
      this.#set(key === undefined ? rest : { ...rest, key });
    }
    if (document.hidden) {
      this.#source = undefined;
      return;
    }
    const [namespace = '', name = ''] = key?.split('/') ?? [];
    const query = key === undefined ? '' : `?${new URLSearchParams({ namespace, name })}`;
    this.#heardAt = Date.now();
    const source = new EventSource(`events${query}`);
    this.#source = source;
    source.onmessage = ({ data }: MessageEvent<string>) => {
      this.#heardAt = Date.now();
      this.#set(after(this.#state, JSON.parse(data) as Message, this.#heardAt));
    };
    source.onerror = () => this.#lose();
  }

  #lose(): void {
    this.#source?.close();
    this.#source = undefined;
    if (this.#state.lostAt === undefined) {
      this.#set({ ...this.#state, lostAt: Date.now() });
    }
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#open(), AGAIN_MS);
  }

  /** A stream that is silent is dead, whatever the browser believes: the server says something every few seconds. */
  #watch(): void {
    if (this.#source !== undefined && Date.now() - this.#heardAt > SILENCE_MS) {
      this.#lose();
    }
  }
}
