/** Where a request comes from, as events and emails record it. */
import Bowser from 'bowser'
import type { FastifyRequest } from 'fastify'

/** Longer user agents come from no browser and are expensive to parse. */
const MAX_USER_AGENT = 512

// Names come from these lists only. Otherwise an attacker could write text into the owner's emails and history.
const BROWSERS = new Set(Object.values(Bowser.BROWSER_MAP))
const SYSTEMS = new Set(Object.values(Bowser.OS_MAP))

/** Programs and libraries, by the first word of their user agent. */
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

export const originOf = (request: FastifyRequest) => ({
  ip: request.ip,
  device: deviceName(request.headers['user-agent']),
  ...causeOf(request),
})

/** Stored with an email, so that the worker's log lines name the request. */
export const causeOf = (request: FastifyRequest) => ({
  requestId: request.id,
  traceparent: request.traceparent,
})

/**
 * Returns a device name such as "Firefox on Linux", "curl" or "Other client on Windows"; null without a user
 * agent.
 */
export function deviceName(userAgent: string | undefined): string | null {
  if (userAgent === undefined || userAgent === '' || userAgent.length > MAX_USER_AGENT) return null
  const { browser, os } = Bowser.parse(userAgent)
  const program = PROGRAMS.get(FIRST_WORD.exec(userAgent)?.[0].toLowerCase() ?? '')
  const name = program ?? (BROWSERS.has(browser.name ?? '') ? browser.name : OTHER)
  return SYSTEMS.has(os.name ?? '') ? `${name} on ${os.name}` : (name as string)
}
