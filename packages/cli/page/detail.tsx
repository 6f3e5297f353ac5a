/** One Upgrade: its state, what happens next, the timeline of its pods, and the evidence. */
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { About, Act, Detail, Evidence, Split, WorstCheck } from '../src/dashboard/model.ts';
import { plural } from '../src/looks.ts';
import { ActDialog } from './act.tsx';
import { LanesView } from './lanes.tsx';
import { Pill } from './parts.tsx';
import { clock, span } from './scale.ts';

interface DetailProps {
  readonly detail: Detail;
  readonly about: About | undefined;
  readonly now: number;
}

export function DetailView({ detail, about, now }: DetailProps): JSX.Element {
  const { parts } = detail;
  const [chosen, setChosen] = useState<Act | undefined>();
  return (
    <main id="main">
      <nav>
        <a href="#/" class="up">
          ← All Upgrades <kbd>Esc</kbd>
        </a>
      </nav>
      <Header detail={detail} now={now}>
        {about?.canAct && detail.acts.length > 0 && (
          <div class="acts">
            {detail.acts.map((act) => (
              <button key={act.verb} type="button" class={act.verb} onClick={() => setChosen(act)}>
                {act.verb}
                {act.stage ? ` ${act.stage}` : ''}…
              </button>
            ))}
          </div>
        )}
      </Header>
      {detail.missing.map((line) => (
        <p key={line} class="note">
          Not shown: {line}
        </p>
      ))}
      <LanesView lanes={detail.lanes} traffic={detail.traffic} now={now} />
      <div class="columns">
        <EvidenceView evidence={detail.evidence} />
        <WhyView parts={parts} />
      </div>
      <HistoryView detail={detail} />
      {chosen && <ActDialog act={chosen} detail={detail} close={() => setChosen(undefined)} />}
    </main>
  );
}

interface HeaderProps {
  readonly detail: Detail;
  readonly now: number;
  readonly children: ComponentChildren;
}

/** State, reason and next step of the Upgrade; the actions are its children. */
function Header({ detail, now, children }: HeaderProps): JSX.Element {
  const { card, headline, parts, stages } = detail;
  const next = parts.find(({ topic }) => topic === 'Next')?.lines ?? [];
  const why = parts.find(({ topic }) => topic === 'Why')?.lines[0];
  return (
    <header class={`top look-${card.look}`}>
      <div class="row">
        <Pill look={card.look} text={card.phase} />
        <h1>
          {card.namespace}/<b>{card.name}</b>
        </h1>
        {card.passed && <b class="passed">{card.passed} passed</b>}
        <span class="age">for {span(now - card.since)}</span>
      </div>
      <p class="sentence">{(card.section === 'busy' && card.headline) || headline}</p>
      <p class="quiet">
        {card.kind} {card.target}, attempt {detail.attempt}: {card.images}
      </p>
      {(card.section === 'busy' || card.section === 'person') && why !== undefined && (
        <p class="next">
          <b>Why</b> {why}
        </p>
      )}
      {next.length > 0 && (
        <p class="next">
          <b>Next</b> {next[0]}
        </p>
      )}
      {stages.length > 0 && (
        <ol class="stages" aria-label="Stages">
          {stages.map(({ name, state, look, verified, desired }) => (
            <li key={name} class={`look-${look}`}>
              <Pill look={look} text={name} /> {verified} of {desired} {state === 'Done' ? '' : state}
            </li>
          ))}
        </ol>
      )}
      {children}
    </header>
  );
}

function EvidenceView({ evidence }: { evidence: Evidence }): JSX.Element {
  const { worst, splits, counted, desired } = evidence;
  return (
    <section class="panel" aria-labelledby="evidence-title">
      <h2 id="evidence-title">Evidence</h2>
      {!worst && splits.length === 0 && <p class="empty">There is no evidence against the version.</p>}
      {worst && (
        <>
          <p>
            {worst.checks.length > 0 ? 'Worst pod' : 'Pod'} <b>{worst.pod}</b>
            {worst.node && (
              <>
                {' '}
                on <b>{worst.node}</b>
              </>
            )}
            {worst.zone && ` (${worst.zone})`}
          </p>
          {worst.checks.map((check) => (
            <CheckView key={`${check.check}/${check.container}`} check={check} />
          ))}
          {worst.ends.map((line) => (
            <p key={line} class="quiet">
              {line}
            </p>
          ))}
        </>
      )}
      {splits.map((split) => (
        <SplitView key={split.by} split={split} />
      ))}
      {splits.length > 0 && counted < desired && (
        <p class="quiet">
          Counted: {plural(counted, 'pod')} of {desired}; no other pod has returned a result.
        </p>
      )}
    </section>
  );
}

function CheckView({ check }: { check: WorstCheck }): JSX.Element {
  return (
    <div class="check">
      <p>
        <b class={`code class-${check.class}`}>{check.code === '' ? check.class : `exit ${check.code}`}</b>{' '}
        {check.check} in {check.container}: {check.reason}
        {check.message && `, ${check.message}`}
      </p>
      <p class="quiet">
        {check.attempts === 1
          ? `probed once, at ${clock(check.lastAt)}`
          : `${check.attempts} probes in ${span(check.lastAt - check.firstAt)}, last ${clock(check.lastAt)}`}
      </p>
      <pre>{check.output.length > 0 ? check.output.join('\n') : 'no output'}</pre>
    </div>
  );
}

const WIDTH = 180;

function SplitView({ split: { by, rows } }: { split: Split }): JSX.Element {
  const most = Math.max(1, ...rows.map(({ codes }) => codes.reduce((sum, { pods }) => sum + pods, 0)));
  return (
    <table class="split">
      <caption>Codes by {by}</caption>
      <tbody>
        {rows.map(({ name, codes }) => (
          <tr key={name}>
            <th scope="row">{name || 'unknown'}</th>
            <td>
              <svg width={WIDTH} height={14} aria-hidden="true">
                {codes.map(({ text, look, pods }, index) => {
                  const before = codes.slice(0, index).reduce((sum, one) => sum + one.pods, 0);
                  return (
                    <rect
                      key={text}
                      class={`look-${look}`}
                      x={(before / most) * WIDTH}
                      width={Math.max(2, (pods / most) * WIDTH - 1)}
                      height={14}
                    />
                  );
                })}
              </svg>
            </td>
            <td>
              {codes.map(({ text, look, pods }) => (
                <span key={text} class={`chip look-${look}`}>
                  {text} on {plural(pods, 'pod')}
                </span>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function WhyView({ parts }: { parts: Detail['parts'] }): JSX.Element {
  return (
    <section class="panel" aria-labelledby="why-title">
      <h2 id="why-title">Why</h2>
      <dl>
        {parts.map(({ topic, lines }) => (
          <div key={topic}>
            <dt>{topic}</dt>
            {lines.map((line) => (
              <dd key={line}>{line}</dd>
            ))}
          </div>
        ))}
      </dl>
    </section>
  );
}

function HistoryView({ detail: { history } }: { detail: Detail }): JSX.Element | null {
  if (history.length === 0) {
    return null;
  }
  return (
    <section class="panel" aria-labelledby="history-title">
      <h2 id="history-title">Attempts</h2>
      <table class="history">
        <thead>
          <tr>
            {['Attempt', 'Outcome', 'Started', 'Duration', 'Images', 'Cause'].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {history.map((entry) => (
            <tr key={entry.number}>
              <th scope="row">{entry.number}</th>
              <td>
                <Pill look={entry.look} text={entry.outcome} />
              </td>
              <td>{new Date(entry.startedAt).toLocaleString()}</td>
              <td>{span(entry.finishedAt - entry.startedAt)}</td>
              <td>{entry.images}</td>
              <td>{entry.cause}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
