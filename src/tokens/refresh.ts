/**
 * Refresh tokens: opaque to clients, stored as SHA-256, rotated at each use.
 *
 * A token is session id (16 bytes), secret (32 bytes) and envelope (16 bytes), in base64url. The first
 * secret of a session is 256 random bits. Each successor is an HMAC of its predecessor under a key that
 * never leaves the service: as unguessable as random bits to everybody else, and *the same* for every
 * tab and every lost answer within the grace window, so that these agree on one token instead of
 * ending the family. The envelope proves that this service made the token. With it a spent token is
 * told from an invented one for the whole life of a session, without a table of spent tokens, and
 * nobody who merely knows a session's id can end it.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { parse, stringify } from 'uuid'
import { deriveKey, type Secrets } from './keys.ts'

const ID_BYTES = 16
const SECRET_BYTES = 32
const ENVELOPE_BYTES = 16
const TOKEN_FORM = /^[\w-]{86}$/

/** A refresh token that has the right form. Whether it is alive, its session tells. */
export interface ParsedRefreshToken {
  sessionId: string
  /** SHA-256, base64url, as sessions store it. */
  hash: string
  /** Whether a present secret of this service made it. Tokens outlive secrets, so `false` is no proof. */
  genuine: boolean
  /** The tokens that may follow it, one for each secret, the one to issue first. */
  successors: { token: string; hash: string }[]
}

export interface RefreshTokens {
  /** Makes the first token of a session. */
  first(sessionId: string): { token: string; hash: string }
  /** Takes a token apart; undefined where it has not the form of one. */
  parse(token: string): ParsedRefreshToken | undefined
}

/** Sets up refresh tokens on the signing secrets, the current one first. */
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
      // The last character has bits to spare: one token has one spelling.
      if (bytes.toString('base64url') !== token) return undefined
      const id = bytes.subarray(0, ID_BYTES)
      const sessionId = uuidOf(id)
      if (sessionId === undefined) return undefined
      const secret = bytes.subarray(ID_BYTES, ID_BYTES + SECRET_BYTES)
      const seal = bytes.subarray(ID_BYTES + SECRET_BYTES)
      return {
        sessionId,
        hash: hashOf(token),
        genuine: keys.some(key => timingSafeEqual(seal, envelope(key.envelope, id, secret))),
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

/** Each secret's tokens are sealed by that secret, so that instances whose first secret differs agree. */
function assemble(keys: Keys, id: Uint8Array, secret: Buffer) {
  const token = Buffer.concat([id, secret, envelope(keys.envelope, id, secret)]).toString('base64url')
  return { token, hash: hashOf(token) }
}

function envelope(key: Buffer, id: Uint8Array, secret: Buffer): Buffer {
  return createHmac('sha256', key).update(id).update(secret).digest().subarray(0, ENVELOPE_BYTES)
}

/** Of the whole token, envelope included: a token that was altered anywhere is another token. */
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
