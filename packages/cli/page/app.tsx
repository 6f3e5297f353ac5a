/** The page: the overview, or the Upgrade in the URL. */
import { type JSX, render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { DetailView } from './detail.tsx';
import { Fleet } from './fleet.tsx';
import { clock, span } from './scale.ts';
import type { State } from './state.ts';
import { Store } from './store.ts';

const store = new Store();

function App(): JSX.Element {
  const [state, setState] = useState<State>(store.state);
  const [now, setNow] = useState(Date.now());
  useEffect(() => store.listen(() => setState(store.state)), []);
  useEffect(() => {
    const tick = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(tick);
  }, []);
  useEffect(() => {
    document.title = titleOf(state);
  }, [state]);
  return (
    <>
      <button type="button" class="skip" onClick={skip}>
        Skip to the Upgrades
      </button>
      <TopBar state={state} now={now} />
      <View state={state} now={now + state.aheadMs} />
    </>
  );
}

function View({ state, now }: { state: State; now: number }): JSX.Element {
  const { cards, key, detail, fault, about } = state;
  if (key !== undefined && detail) {
    return <DetailView key={key} detail={detail} about={about} now={now} />;
  }
  if (key !== undefined) {
    return (
      <main id="main">
        <p class="empty">
          {detail === null ? (fault ? `${key} ${fault}` : `There is no Upgrade ${key}.`) : 'Reading…'}
        </p>
        <a href="#/">← All Upgrades</a>
      </main>
    );
  }
  return cards ? (
    <Fleet cards={cards} now={now} />
  ) : (
    <main id="main">
      <p class="empty">Reading the Upgrades…</p>
    </main>
  );
}

function TopBar({ state: { about, lostAt }, now }: { state: State; now: number }): JSX.Element {
  return (
    <div class="topbar">
      <b>postcheck</b>
      <span class="quiet">{about?.server}</span>
      <span class="quiet">
        {about?.namespace === undefined ? 'all namespaces' : `namespace ${about.namespace}`}
      </span>
      <span class={`badge ${about?.canAct ? 'acting' : ''}`}>
        {about?.canAct ? 'actions allowed' : 'read-only'}
      </span>
      <span role="status" class={`link ${lostAt === undefined ? 'good' : 'lost'}`}>
        {lostAt === undefined
          ? 'live'
          : `No connection for ${span(now - lostAt)}: the page was last updated at ${clock(lostAt)}. Is the command still running?`}
      </span>
      {(about?.notes ?? []).map((note) => (
        <p key={note} class="note" role="alert">
          {note}
        </p>
      ))}
    </div>
  );
}

function titleOf({ cards, key }: State): string {
  const people = [...(cards?.values() ?? [])].filter(({ section }) => section === 'person').length;
  return `${people > 0 ? `(${people}) ` : ''}${key ?? 'postcheck'}`;
}

function skip(): void {
  document.querySelector<HTMLElement>('.card, .up')?.focus();
}

/** `/` filters, arrows go from card to card, Escape goes back. */
function onKey(event: KeyboardEvent): void {
  const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (event.key === 'Escape' && !document.querySelector('dialog[open]')) {
    location.hash = '#/';
  } else if (event.key === '/' && !isTyping) {
    event.preventDefault();
    document.getElementById('filter')?.focus();
  } else if (event.key.startsWith('Arrow') && !isTyping) {
    moveFocus(event);
  }
}

function moveFocus(event: KeyboardEvent): void {
  const cards = [...document.querySelectorAll<HTMLElement>('.card')];
  const here = cards.indexOf(document.activeElement as HTMLElement);
  const step = event.key === 'ArrowRight' || event.key === 'ArrowDown' ? 1 : -1;
  const next = cards[here < 0 ? 0 : here + step];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}

addEventListener('keydown', onKey);
store.start();
render(<App />, document.body);
