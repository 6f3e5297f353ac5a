/** What tests count while their results are recorded, and its rows in the tables of docs/reliability.md and README.md. */

/** When something was recorded, and of which commit. */
export interface Stamp {
  readonly date: string;
  readonly commit: string;
}

/** Every figure, and what it counts; `of` is the figure that it is a part of. */
export const FIGURES = {
  crashPlans: {
    text: 'crashes in virtual time: at every write of the stories, in three ways',
    of: 'crashExisting',
  },
  crashExisting: { text: 'crashes that there are' },
  faultPlans: {
    text: 'other disturbed runs in virtual time: failed writes, stale caches, lost and late events, two leaders',
    of: 'faultExisting',
  },
  faultExisting: { text: 'disturbed runs that there are' },
  walks: { text: 'random walks in virtual time through changes, rivals, refused writes and crashes' },
  weekUpgrades: { text: 'upgrades of virtual days on end with a fault in every twentieth write' },
  weekWrong: { text: 'of these lost, or rolled back although the version was good' },
  apiPlans: { text: 'disturbed runs on a real API server' },
  apiCrashPoints: {
    text: 'writes to a real API server at which the operator is killed, one of each kind',
    of: 'apiCrashExisting',
  },
  apiCrashExisting: { text: 'writes of these stories' },
} as const satisfies Record<string, { readonly text: string; readonly of?: string }>;

export type FigureName = keyof typeof FIGURES;
export type Figures = Readonly<Partial<Record<FigureName, { readonly count: number } & Stamp>>>;

/** One line of the file that tests write. */
export interface FigureLine {
  readonly name: FigureName;
  readonly count: number;
}

const NAMES = Object.keys(FIGURES) as FigureName[];

/** `before`, with the sums of these lines; a figure that they do not have stays as it was. */
export function withFigures(before: Figures, lines: readonly FigureLine[], stamp: Stamp): Figures {
  const sums = new Map<FigureName, number>();
  for (const { name, count } of lines) {
    sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const count = sums.get(name);
      const figure = count === undefined ? before[name] : { count, ...stamp };
      return figure ? [[name, figure]] : [];
    }),
  );
}

/** A row for each figure that was recorded; the whole of another one has none of its own. */
export function figureRows(figures: Figures): string[] {
  const wholes = NAMES.flatMap((name) => wholeOf(name) ?? []);
  return NAMES.filter((name) => !wholes.includes(name)).flatMap((name) => {
    const figure = figures[name];
    const whole = figures[wholeOf(name) ?? name];
    const counted =
      figure && whole && [...new Set([figure, whole])].map(({ count }) => count.toLocaleString('en'));
    return counted
      ? [`| ${FIGURES[name].text} | ${counted.join(' of ')} (${figure.date}, ${figure.commit}) |`]
      : [];
  });
}

function wholeOf(name: FigureName): FigureName | undefined {
  const { of: whole }: { readonly text: string; readonly of?: FigureName } = FIGURES[name];
  return whole;
}
