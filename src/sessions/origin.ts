/**
 * Where a request comes from, in the words of the history and of notices.
 */
import Bowser from 'bowser'
import type { FastifyRequest } from 'fastify'
import type { Cause, Origin } from '../database/queries/events.ts'

/** Longer user agents are no browser's; parsing them would only cost time. */
const MAX_USER_AGENT = 512

/**
 * A name comes from these lists alone. Whatever else a user agent says would be a line that a stranger writes into the
 * owner's mails and history, such as a number to call.
 */
const BROWSERS = new Set(Object.values(Bowser.BROWSER_MAP))
const SYSTEMS = new Set(Object.values(Bowser.OS_MAP))

/** Programs and libraries that people call an API with, by the first word of their user agent in lower case. */
const PROGRAMS = new Map(
  [
    ['Bruno', 'bruno', 'bruno-runtime'],
    ['curl', 'curl'],
    ['Dart', 'dart'],
    ['Go', 'go-http-client'],
    ['HTTPie', 'httpie'],
    ['Insomnia', 'insomnia'],
    ['Java', 'java', 'java-http-client', 'apache-httpclient', 'okhttp'],
    ['Node.js', 'node', 'node-fetch', 'undici', 'axios'],
    ['Postman', 'postmanruntime'],
    ['Python', 'python-requests', 'python-httpx', 'python-urllib', 'aiohttp'],
    ['Wget', 'wget'],
  ].flatMap(([name, ...words]) => words.map(word => [word, name as string] as const)),
)
const FIRST_WORD = /^[A-Za-z-]{1,32}(?![\w.-])/

const OTHER = 'Other client'

/** The origin of a request: its client's address, its device, its id. */
export function originOf(request: FastifyRequest): Origin {
  return { ip: request.ip, device: deviceName(request.headers['user-agent']), ...causeOf(request) }
}

/** What a mail keeps of its request, so that the worker's log lines name it. */
export const causeOf = (request: FastifyRequest): Cause => ({
  requestId: request.id,
  traceparent: request.traceparent,
})

/**
 * A name that a person recognises a device by.
 *
 * @returns such as "Firefox on Linux", "curl" or "Other client on Windows"; null where the client does not say
 */
export function deviceName(userAgent: string | undefined): string | null {
  if (userAgent === undefined || userAgent === '' || userAgent.length > MAX_USER_AGENT) return null
  const { browser, os } = Bowser.parse(userAgent)
  const program = PROGRAMS.get(FIRST_WORD.exec(userAgent)?.[0].toLowerCase() ?? '')
  const name = program ?? (BROWSERS.has(browser.name ?? '') ? browser.name : OTHER)
  return SYSTEMS.has(os.name ?? '') ? `${name} on ${os.name}` : (name as string)
}
