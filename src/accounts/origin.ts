/**
 * Where a request comes from, in the words of the history and of notices.
 */
import Bowser from 'bowser'
import type { FastifyRequest } from 'fastify'
import type { Origin } from '../database/events.ts'

/** Longer user agents are no browser's; parsing them would only cost time. */
const MAX_USER_AGENT = 512

/**
 * For what it does not know, the parser gives a piece of the user agent itself. That would be a line in
 * the owner's mail and history that a stranger wrote, such as an address to call or to visit.
 */
const BROWSERS = new Set(Object.values(Bowser.BROWSER_MAP))
const SYSTEMS = new Set(Object.values(Bowser.OS_MAP))

/** One word, and no dot, lest a mail program makes a link of it. */
const PRODUCT = /^[A-Za-z][\w-]{0,31}/

/** The origin of a request: its client's address, its device, its id. */
export function originOf(request: FastifyRequest): Origin {
  return { ip: request.ip, device: deviceName(request.headers['user-agent']), requestId: request.id }
}

/**
 * A name that a person recognises a device by.
 *
 * @returns such as "Firefox on Linux" or "curl"; null where the client does not say
 */
export function deviceName(userAgent: string | undefined): string | null {
  if (userAgent === undefined || userAgent === '' || userAgent.length > MAX_USER_AGENT) return null
  const { browser, os } = Bowser.parse(userAgent)
  const name = BROWSERS.has(browser.name ?? '') ? browser.name : PRODUCT.exec(userAgent)?.[0]
  if (name === undefined) return null
  return SYSTEMS.has(os.name ?? '') ? `${name} on ${os.name}` : name
}
