/**
 * Documents that are the same for every client: in memory, with an ETag, and compressed once for each coding.
 *
 * No other response is compressed: its length would reveal secrets beside text that an attacker controls (BREACH), and
 * zlib would wait behind the hashes in libuv's pool.
 */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** A document that is served unchanged. */
export interface FixedDocument {
  body: Buffer
  type: string
  /** A strong validator (RFC 9110 section 8.8.3). */
  etag: string
  /** The compressed forms so far, or undefined if the document is not compressed. */
  compressed: Map<Coding, Promise<Buffer>> | undefined
}

type Coding = 'br' | 'gzip'

/** A higher quality takes seconds for the largest document and saves a tenth of its size. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }
/** Bytes. For smaller documents the header fields are longer than what compression saves. */
const WORTHWHILE = 1024

const COMPRESS: Record<Coding, (body: Buffer) => Promise<Buffer>> = {
  br: body => promisify(brotliCompress)(body, BROTLI),
  gzip: body => promisify(gzip)(body),
}

/**
 * @param body text or bytes
 * @param type media type
 * @param options `compress`: whether clients that accept it get the document compressed
 */
export function fixedDocument(
  body: string | Buffer,
  type: string,
  { compress }: { compress: boolean },
): FixedDocument {
  const bytes = Buffer.from(body as string)
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  return {
    body: bytes,
    type,
    etag,
    compressed: compress && bytes.length >= WORTHWHILE ? new Map() : undefined,
  }
}

/** Sends the document in the best coding that the client accepts, or 304 if the client has it. */
export async function sendDocument(
  request: FastifyRequest,
  reply: FastifyReply,
  document: FixedDocument,
): Promise<FastifyReply> {
  const { compressed, type } = document
  const coding = compressed && codingFor(request)
  if (compressed)
    reply.header('vary', [reply.getHeader('vary'), 'accept-encoding'].filter(Boolean).join(', '))
  if (coding) reply.header('content-encoding', coding)

  const etag = coding ? document.etag.replace(/"$/, `-${coding}"`) : document.etag
  reply.header('etag', etag)
  const known = request.headers['if-none-match']?.split(',').map(tag => tag.trim().replace(/^W\//, '')) ?? []
  if (known.includes(etag) || known.includes('*')) {
    return reply.removeHeader('content-encoding').code(304).send()
  }
  return reply.type(type).send(coding ? await inCoding(document, coding) : document.body)
}

/** Compresses at the first request. Doing it at the start would take half a second. */
function inCoding({ body, compressed }: FixedDocument, coding: Coding): Promise<Buffer> {
  const known = compressed?.get(coding)
  if (known) return known
  const begun = COMPRESS[coding](body)
  compressed?.set(coding, begun)
  begun.catch(() => compressed?.delete(coding))
  return begun
}

function codingFor(request: FastifyRequest): Coding | undefined {
  // Names of codings are case-insensitive (RFC 9110, section 8.4.1).
  const accepted = request
    .accepts()
    .encodings()
    .map(coding => coding.toLowerCase())
  return (['br', 'gzip'] as const).find(coding => accepted.includes(coding))
}
