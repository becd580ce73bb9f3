/** Type of a language with all of its texts. */
import type { OperatorProblemCode, ProblemCode } from '../errors.ts'
import type { BrowserWords } from './en/browser.ts'
import type { PageWords } from './en/pages.ts'
import type { Mails } from './mail-words.ts'

/** All texts of one language. */
export interface Messages {
  /** BCP 47 tag of the HTML, durations and dates. */
  language: string
  mails: Mails
  /** Texts that the server renders. */
  pages: PageWords
  /** Texts for scripts in the browser, including every error code. */
  browser: BrowserWords & { problems: Record<Exclude<ProblemCode, OperatorProblemCode>, unknown> }
}
