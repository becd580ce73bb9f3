/** Figures from times, and a table of them. */
import { areaUnderCurve, median } from './auc.ts'
import type { State } from './people.ts'
import type { Findings, Seen } from './rounds.ts'
import type { Route } from './routes.ts'

/** How far from 0.5 an area of 1,000 pairs may be. */
export const BOUND = 0.05

/** Branches where the worker's job depends on earlier requests, not on the account. */
const UNBOUND_AFTER = ['throttled', 'locked']

/** One branch of one endpoint, compared with an unknown address. */
export interface Figure {
  provider: string
  path: string
  branch: string
  pairs: number
  /** Area under the ROC curve of the response times, and of the unrelated requests right after. */
  auc: number
  aucAfter: number
  /** Differences of the medians, in microseconds. */
  difference: number
  differenceAfter: number
}

/** The figure of one state. */
export function figureOf(
  findings: Findings,
  state: State,
  about: Pick<Figure, 'provider' | 'path' | 'branch'>,
): Figure {
  const baseline = findings.get('unknown') as Seen
  const other = findings.get(state) as Seen
  const difference = (a: number[], b: number[]) => Math.round(1000 * (median(b) - median(a)))
  return {
    ...about,
    pairs: other.times.length,
    auc: areaUnderCurve(baseline.times, other.times),
    aucAfter: areaUnderCurve(baseline.after, other.after),
    difference: difference(baseline.times, other.times),
    differenceAfter: difference(baseline.after, other.after),
  }
}

/** Whether the figure is within the bound. docs/timing.md lists the excluded branches. */
export const isIndistinguishable = ({ auc, aucAfter, branch }: Figure, { mails }: Route, bound: number) =>
  isWithin(auc, bound) &&
  ((mails > 0 && UNBOUND_AFTER.includes(branch)) || isWithin(aucAfter, mails > 0 ? 2 * bound : bound))

const isWithin = (auc: number, bound: number) => Math.abs(auc - 0.5) <= bound

/** As the name of an assertion. */
export const inWords = ({ path, branch, pairs, ...figure }: Figure) =>
  `${path}: ${branch} against unknown, ${pairs} pairs: AUC ${inFigures(figure.auc, figure.difference)}, ` +
  `right after ${inFigures(figure.aucAfter, figure.differenceAfter)}`

const inFigures = (auc: number, difference: number) => `${auc.toFixed(3)} (${signed(difference)} µs)`

/** The branches in the order of the columns of docs/timing.md. */
const COLUMNS = ['unconfirmed', 'known', 'disabled', 'locked', 'secured', 'mail server down', 'throttled']

/** Two tables as in docs/timing.md: of responses, and of unrelated requests right after. */
export function tables(figures: Figure[]): string[] {
  const paths = [...new Set(figures.map(({ path }) => path))]
  const columns = COLUMNS.filter(column => figures.some(({ branch }) => branch === column))
  const table = (title: string, cell: (figure: Figure) => string) => [
    `${title} (AUC, and difference of the medians in µs)`,
    row(['endpoint', ...columns]),
    row(['---', ...columns.map(() => '---')]),
    ...paths.map(path => {
      const of = (column: string) => figures.find(({ path: p, branch }) => p === path && branch === column)
      return row([
        path,
        ...columns.map(column => ((figure?: Figure) => (figure ? cell(figure) : '–'))(of(column))),
      ])
    }),
  ]
  return [
    ...table('the answer', ({ auc, difference }) => `${auc.toFixed(3)} (${signed(difference)})`),
    ...table(
      'unrelated request right after',
      ({ aucAfter, differenceAfter }) => `${aucAfter.toFixed(3)} (${signed(differenceAfter)})`,
    ),
  ]
}

const row = (cells: string[]) => `| ${cells.join(' | ')} |`
const signed = (number: number) => (number < 0 ? `−${-number}` : `+${number}`)
