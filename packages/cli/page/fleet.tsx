/** The overview: one card per Upgrade, those that need attention first. */
import { Component, type JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Card, Section } from '../src/dashboard/model.ts';
import { plural, SYMBOLS } from '../src/looks.ts';
import { Pill } from './parts.tsx';
import { span } from './scale.ts';

const SECTIONS: readonly { readonly of: Section; readonly title: string; readonly hint: string }[] = [
  { of: 'person', title: 'Needs attention', hint: 'No progress until a person acts' },
  { of: 'busy', title: 'In progress', hint: 'Being rolled out and verified' },
  { of: 'back', title: 'Fell back', hint: 'The previous version runs again, verified' },
  { of: 'good', title: 'Healthy', hint: 'Verified, or no action needed' },
];

const mostUrgentFirst = (a: Card, b: Card): number =>
  a.urgency - b.urgency || a.namespace.localeCompare(b.namespace) || a.name.localeCompare(b.name);

/** Does the card have all of these words, anywhere? */
export function matches(card: Card, words: string): boolean {
  const text = `${card.key} ${card.kind}/${card.target} ${card.phase} ${card.images}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

export function Fleet({ cards, now }: { cards: ReadonlyMap<string, Card>; now: number }): JSX.Element {
  const [words, setWords] = useState('');
  const all = [...cards.values()].filter((card) => matches(card, words)).sort(mostUrgentFirst);
  return (
    <main id="main">
      <div class="tools">
        <h1>{title(cards)}</h1>
        <label class="filter">
          <span>Filter</span>
          <input
            id="filter"
            type="search"
            placeholder="namespace, name, phase, image"
            value={words}
            onInput={({ currentTarget }) => setWords(currentTarget.value)}
          />
          <kbd>/</kbd>
        </label>
      </div>
      {cards.size === 0 && <p class="empty">There are no Upgrades. New ones appear here.</p>}
      {cards.size > 0 && all.length === 0 && <p class="empty">No Upgrade matches.</p>}
      {SECTIONS.map(({ of, title: name, hint }) => {
        const mine = all.filter(({ section }) => section === of);
        return mine.length === 0 ? null : (
          <section key={of} class={`section ${of}`} aria-labelledby={`section-${of}`}>
            <h2 id={`section-${of}`}>
              {name} <span class="count">{mine.length}</span> <small>{hint}</small>
            </h2>
            <ul class="cards">
              {mine.map((card) => (
                <CardView key={card.key} card={card} age={span(now - card.since)} />
              ))}
            </ul>
          </section>
        );
      })}
    </main>
  );
}

function title(cards: ReadonlyMap<string, Card>): string {
  const count = [...cards.values()].filter(({ section }) => section === 'person').length;
  const all = plural(cards.size, 'Upgrade');
  return count === 0
    ? `${all}, none needs attention`
    : `${all}, ${count} ${count === 1 ? 'needs' : 'need'} attention`;
}

interface CardProps {
  readonly card: Card;
  readonly age: string;
}

/** Drawn again only when something on it has changed. */
class CardView extends Component<CardProps> {
  override shouldComponentUpdate({ card, age }: CardProps): boolean {
    return card !== this.props.card || age !== this.props.age;
  }

  override render({ card, age }: CardProps): JSX.Element {
    const label = `${card.key}: ${card.phase}${card.passed ? `, ${card.passed} passed` : ''}. ${card.headline}`;
    return (
      <li>
        <a class={`card look-${card.look}`} href={`#/${card.key}`} aria-label={label}>
          <span class="row">
            <Pill look={card.look} text={card.phase} />
            {card.passed && <b class="passed">{card.passed}</b>}
            <span class="age">{age}</span>
          </span>
          <span class="name">
            {card.namespace}/<b>{card.name}</b>
          </span>
          <span class="quiet">
            {card.kind} {card.target}
          </span>
          <span class="headline">{card.headline || card.images}</span>
          <span class="bar" aria-hidden="true">
            {card.attempts.map(({ number, outcome, look }) => (
              <i key={number} class={`look-${look}`} title={`attempt ${number}: ${outcome}`}>
                {SYMBOLS[look]}
              </i>
            ))}
          </span>
        </a>
      </li>
    );
  }
}
