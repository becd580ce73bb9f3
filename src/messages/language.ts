import type { ProblemCode } from '../errors.ts'
import type { BrowserWords } from './en/browser.ts'
import type { PageWords } from './en/pages.ts'
import type { Mails } from './mail-words.ts'

/** Everything that one language must say. A catalogue that lacks an entry does not compile. */
export interface Messages {
  /** BCP 47 tag: the `lang` of the HTML, and the language of durations and dates. */
  language: string
  mails: Mails
  /** What stands in the pages as they are served. */
  pages: PageWords
  /** What the pages say later on, in the browser: every code that the API may answer with, among others. */
  browser: BrowserWords & { problems: Record<ProblemCode, unknown> }
}
