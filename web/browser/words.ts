/** Texts of the page in its language, and formats. */
import type { BrowserWords } from '../../src/messages/en/browser.ts'

/** BCP 47 tag. */
export const language = document.documentElement.lang

/** Dates and numbers follow the reader's browser within that language: British, Austrian. */
const regional = navigator.languages.find(tag => tag.split('-', 1)[0] === language) ?? language

const catalogue = (await import(`./words/${language}.js`)) as { browser: BrowserWords }

export const words: BrowserWords = catalogue.browser

/**
 * A time to wait, rounded up.
 *
 * @param seconds such as in `Retry-After`
 */
export function waitFor(seconds: number): string {
  return seconds <= 90 ? unit(seconds, 'second') : unit(Math.ceil(seconds / 60), 'minute')
}

/** A remaining time, rounded down. */
export function lasting(seconds: number): string {
  if (seconds < 60) return unit(Math.max(0, Math.floor(seconds)), 'second')
  if (seconds < 7200) return unit(Math.floor(seconds / 60), 'minute')
  return unit(Math.floor(seconds / 3600), 'hour')
}

/** A time, in the language of the page and the time zone of the reader. */
export function moment(iso: string): string {
  return new Intl.DateTimeFormat(regional, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso))
}

/** A date. */
export function day(iso: string): string {
  return new Intl.DateTimeFormat(regional, { dateStyle: 'long' }).format(new Date(iso))
}

function unit(count: number, name: 'second' | 'minute' | 'hour'): string {
  return new Intl.NumberFormat(regional, { style: 'unit', unit: name, unitDisplay: 'long' }).format(count)
}
