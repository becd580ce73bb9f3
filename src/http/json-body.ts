/**
 * Parses bodies: only `application/json` in valid UTF-8 without duplicate keys. Programs that read the same bytes
 * differently are a security risk (RFC 8259 section 4), and Fastify's own parser accepts text/plain, the last of
 * duplicate keys, and invalid UTF-8. The type of an empty body is not checked, because axios and others send a form
 * type with a length of 0.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { problem } from '../errors.ts'

/** RFC 9110 section 15.5.16: the response names the supported codings. */
const ENCODED = {
  detail: 'The content must not be encoded.',
  headers: { 'accept-encoding': 'identity' },
}

/** Each charset of a content type. */
const CHARSET = /;\s*charset\s*=\s*"?([^\s";]+)/gi

async function jsonBody(app: FastifyInstance) {
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    const { headers } = request
    const empty = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
    const coding = headers['content-encoding'] ?? ''
    // Fastify would refuse the type before it checks for content.
    if (empty) delete headers['content-type']
    done(empty || /^\s*(identity)?\s*$/i.test(coding) ? null : problem('unsupported_media_type', ENCODED))
  })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(body.length === 0 ? null : problem('unsupported_media_type'))
  })
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const charsets = (request.headers['content-type'] ?? '').matchAll(CHARSET)
    if ([...charsets].some(([, charset]) => !/^utf-?8$/i.test(charset as string))) {
      done(problem('unsupported_media_type', { detail: 'JSON is UTF-8 (RFC 8259 section 8.1).' }))
      return
    }
    try {
      done(null, parseStrictly(body as Buffer))
    } catch (cause) {
      done(problem('malformed_json', { cause, detail: (cause as Error).message }))
    }
  })
}

/**
 * Parses a JSON text.
 *
 * @param bytes empty for no body, which clients also send with a content type
 * @throws Error that describes the fault without quoting the input, which may contain a password
 */
function parseStrictly(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined
  const text = decode(bytes)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error('The body is not valid JSON.')
  }
  if (countKeys(value) !== countMembers(text))
    throw new Error('An object of the body has the same key twice.')
  return value
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Error('The body is not valid UTF-8.')
  }
}

/** Keys of all objects in a valid JSON text: strings before a colon. */
function countMembers(text: string): number {
  let count = 0
  for (const [, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"\s*(:)?/g)) if (colon) count++
  return count
}

/** Counts the keys of all parsed objects. Without recursion, because the body may be one long `[[[[`. */
function countKeys(value: unknown): number {
  let count = 0
  const open = [value]
  while (open.length > 0) {
    const next = open.pop()
    if (typeof next !== 'object' || next === null) continue
    if (!Array.isArray(next)) count += Object.keys(next).length
    for (const child of Object.values(next)) open.push(child)
  }
  return count
}

export default fp(jsonBody, { name: 'json-body' })
