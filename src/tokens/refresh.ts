/** Refresh tokens: opaque to clients, stored as SHA-256, rotated at each use. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { parse, stringify } from 'uuid'
import { deriveKey, type Secrets } from './keys.ts'

/** A token is the session's id, a secret and an envelope, in base64url. */
const ID_BYTES = 16
/** 256 random bits in the first token of a session; each later token derives them from its predecessor. */
const SECRET_BYTES = 32
/**
 * Proves that this service issued the token. It distinguishes a spent token from a forged one for the whole life of a
 * session, without a table of spent tokens. Knowing a session's id is not enough to revoke the session.
 */
const ENVELOPE_BYTES = 16
const TOKEN_FORM = /^[\w-]{86}$/

/** A refresh token of the right form. Only its session shows whether it is valid. */
export interface ParsedRefreshToken {
  sessionId: string
  /** SHA-256, base64url, as sessions store it. */
  hash: string
  /** Whether a configured secret issued it. Tokens outlive secrets, so `false` does not prove a forgery. */
  genuine: boolean
  /** Its possible successors, one for each secret. The first one is issued. */
  successors: { token: string; hash: string }[]
}

export interface RefreshTokens {
  /** Creates the first token of a session. */
  first(sessionId: string): { token: string; hash: string }
  /** Returns the parts of a token, or undefined if the text does not have the form of one. */
  parse(token: string): ParsedRefreshToken | undefined
}

/** @param secrets the signing secrets, the current one first */
export function refreshTokens(secrets: Secrets): RefreshTokens {
  const keys: Keys[] = secrets.map(secret => ({
    envelope: deriveKey(secret, 'refresh', 'envelope'),
    successor: deriveKey(secret, 'refresh', 'successor'),
  }))
  const [current] = keys as [Keys]

  return {
    first: sessionId => assemble(current, parse(sessionId), randomBytes(SECRET_BYTES)),
    parse(token) {
      if (!TOKEN_FORM.test(token)) return undefined
      const bytes = Buffer.from(token, 'base64url')
      // The last character has unused bits. Only one spelling of a token is accepted.
      if (bytes.toString('base64url') !== token) return undefined
      const id = bytes.subarray(0, ID_BYTES)
      const sessionId = uuidOf(id)
      if (sessionId === undefined) return undefined
      const secret = bytes.subarray(ID_BYTES, ID_BYTES + SECRET_BYTES)
      const receivedEnvelope = bytes.subarray(ID_BYTES + SECRET_BYTES)
      return {
        sessionId,
        hash: hashOf(token),
        genuine: keys.some(key => timingSafeEqual(receivedEnvelope, envelope(key.envelope, id, secret))),
        // An HMAC by a key of the service is as unguessable as random bits. It is the same for every tab and every
        // repeated request within the grace window, so that these agree on one token and do not revoke the session.
        successors: keys.map(key =>
          assemble(key, id, createHmac('sha256', key.successor).update(id).update(secret).digest()),
        ),
      }
    },
  }
}

interface Keys {
  envelope: Buffer
  successor: Buffer
}

/** The envelope uses the secret that derived the token: instances with another first secret build the same token. */
function assemble(keys: Keys, id: Uint8Array, secret: Buffer) {
  const token = Buffer.concat([id, secret, envelope(keys.envelope, id, secret)]).toString('base64url')
  return { token, hash: hashOf(token) }
}

function envelope(key: Buffer, id: Uint8Array, secret: Buffer): Buffer {
  return createHmac('sha256', key).update(id).update(secret).digest().subarray(0, ENVELOPE_BYTES)
}

/** Hashes the whole token, including the envelope: no altered token has the same hash. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

function uuidOf(bytes: Uint8Array): string | undefined {
  try {
    return stringify(bytes)
  } catch {
    return undefined
  }
}
