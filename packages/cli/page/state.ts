/** What the page knows, and what it knows after a message. Pure. */
import type { About, Card, Detail, Message } from '../src/dashboard/model.ts';

export interface State {
  readonly about?: About;
  /** `undefined` until the first list of Upgrades has arrived. */
  readonly cards?: ReadonlyMap<string, Card>;
  readonly key?: string;
  /** `null`: there is no such Upgrade. */
  readonly detail?: Detail | null;
  /** Why it cannot be shown. */
  readonly fault?: string;
  /** Since when nothing has been heard, by this machine's clock; absent while in touch. */
  readonly lostAt?: number;
  /** How far the clock at the API server is ahead of this machine's. */
  readonly aheadMs: number;
}

/** `namespace/name` of the address, as in `#/shop/web`. */
export function keyInAddress(hash: string): string | undefined {
  const [, namespace, name] = /^#\/([a-z0-9][-a-z0-9]*)\/([a-z0-9][-a-z0-9.]*)$/.exec(hash) ?? [];
  return namespace && name ? `${namespace}/${name}` : undefined;
}

/** The state after a message. */
export function after(state: State, message: Message, heardAt: number): State {
  const { lostAt: _, ...here } = state;
  switch (message.type) {
    case 'beat':
      return { ...here, aheadMs: message.now - heardAt };
    case 'about':
      return { ...here, about: message.about };
    case 'fleet':
      return { ...here, cards: new Map(message.cards.map((card) => [card.key, card])) };
    case 'cards': {
      const cards = new Map(state.cards);
      for (const key of message.gone) {
        cards.delete(key);
      }
      for (const card of message.changed) {
        cards.set(card.key, card);
      }
      return { ...here, cards };
    }
    case 'upgrade':
      return message.key === state.key ? withUpgrade(here, message) : here;
  }
}

function withUpgrade(
  { fault: _fault, ...here }: State,
  { detail, fault }: Extract<Message, { type: 'upgrade' }>,
): State {
  return { ...here, detail: detail ?? null, ...(fault === undefined ? {} : { fault }) };
}
