/** The language of a request. */
import type { FastifyRequest } from 'fastify'

/**
 * Returns the best of some languages by `Accept-Language`, or null.
 * @param languages BCP 47 tags
 */
export function preferredLanguage(request: FastifyRequest, languages: readonly string[]): string | null {
  const { headers } = request.raw
  const accepted = headers['accept-language']
  if (accepted === undefined) return null
  // Some clients send the system's spelling: `de_AT`. @fastify/accepts reads the header itself.
  headers['accept-language'] = accepted.replaceAll('_', '-')
  const language = request.language([...languages])
  return typeof language === 'string' ? language : null
}
