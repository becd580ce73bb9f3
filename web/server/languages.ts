/** The language of a page: chosen by the person, or requested by the browser. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { preferredLanguage } from '../../src/http/accept-language.ts'
import { LANGUAGES } from '../../src/messages/messages.ts'

/** Each language under its own name. */
export const LANGUAGE_NAMES: [tag: string, name: string][] = [
  ['en', 'English'],
  ['de', 'Deutsch'],
  ['fr', 'Français'],
  ['es', 'Español'],
  ['hr', 'Hrvatski'],
]

const COOKIE = 'latchkey-language'
const CHOICE = new RegExp(`(?:^|;\\s*)${COOKIE}=([a-z]{2})(?=;|$)`)
const YEAR_SECONDS = 31_536_000

/** Request headers that pages depend on, for `Vary`. */
export const VARIES_BY = 'accept-language, cookie'

/**
 * The language of the page that a request gets: `?lang=`, else the cookie, else `Accept-Language`, else English.
 *
 * @returns BCP 47 tag of a language that pages are written in
 */
export function languageOf(request: FastifyRequest): string {
  const stored = known(CHOICE.exec(request.headers.cookie ?? '')?.[1])
  return chosenLanguage(request) ?? stored ?? preferredLanguage(request, LANGUAGES) ?? 'en'
}

/**
 * Keeps a chosen language for a year. The cookie contains only the tag of the language, so it identifies nobody.
 * `Lax`, because links in emails are followed from other sites.
 *
 * @param address public base URL of the pages, such as `https://example.org/app`
 */
export function keepLanguage(request: FastifyRequest, reply: FastifyReply, address: URL): void {
  const chosen = chosenLanguage(request)
  if (chosen === undefined) return
  const secure = address.protocol === 'https:' ? '; Secure' : ''
  const attributes = `Path=${address.pathname}; Max-Age=${YEAR_SECONDS}; SameSite=Lax; HttpOnly${secure}`
  reply.header('set-cookie', `${COOKIE}=${chosen}; ${attributes}`)
}

/** The language in `?lang=`. */
function chosenLanguage(request: FastifyRequest): string | undefined {
  const { searchParams } = new URL(request.url.replace(/^[^?]*/, ''), 'http://localhost')
  return known(searchParams.get('lang'))
}

function known(tag: string | null | undefined): string | undefined {
  return LANGUAGES.find(language => language === tag)
}
