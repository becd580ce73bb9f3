/** The key pairs of ES256. Their public keys are published. They sign access tokens and nothing else. */
import { createECDH, createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { DERIVED } from '../config/key.ts'
import { deriveKey, type Secrets } from './keys.ts'

/** A published key (RFC 7517). */
export interface PublicJwk {
  kty: 'EC'
  crv: 'P-256'
  x: string
  y: string
  alg: 'ES256'
  use: 'sig'
  /** The thumbprint of the key (RFC 7638). */
  kid: string
}

/** A key of ES256. */
export interface AccessKey {
  jwk: PublicJwk
  /** PEM. */
  publicKey: string
  /** PEM. */
  privateKey: string
}

/** A key that only verifies. */
type VerifyingKey = Pick<AccessKey, 'jwk' | 'publicKey'>

/** The first one signs, all verify, and all are published. */
export type AccessKeys = readonly [current: AccessKey, ...previous: VerifyingKey[]]

/** The order of P-256's base point (SP 800-186, 3.2.1.3). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/**
 * Returns the keys of a configuration: derived from the secrets, or given by the operator.
 *
 * @param secrets the signing secrets, the current one first
 */
export function accessKeys(
  config: Pick<Config, 'ACCESS_TOKEN_PRIVATE_KEY' | 'ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS'>,
  secrets: Secrets,
): AccessKeys {
  const { ACCESS_TOKEN_PRIVATE_KEY: given, ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS: previous } = config
  const derived = () => secrets.map(derivedKey)
  const current = given === undefined ? derived() : [signingKey(createPrivateKey(given))]
  const others =
    previous === undefined ? [] : previous === DERIVED ? derived() : [verifyingKey(createPublicKey(previous))]
  const distinct = new Map<string, VerifyingKey>()
  for (const key of [...current, ...others]) if (!distinct.has(key.jwk.kid)) distinct.set(key.jwk.kid, key)
  const [, ...rest] = distinct.values()
  return [current[0] as AccessKey, ...rest]
}

/**
 * Derives the key from a signing secret, so that each instance has it. It reduces 48 bytes, because 32 would make some
 * keys more likely (FIPS 186-5, A.2.1).
 */
function derivedKey(secret: string): AccessKey {
  const drawn = BigInt(`0x${deriveKey(secret, 'access', 'es256', 48).toString('hex')}`)
  const scalar = Buffer.from(((drawn % (ORDER - 1n)) + 1n).toString(16).padStart(64, '0'), 'hex')
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(scalar)
  const point = curve.getPublicKey()
  const key = {
    ...{ kty: 'EC', crv: 'P-256', d: scalar.toString('base64url') },
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  }
  return signingKey(createPrivateKey({ format: 'jwk', key }))
}

function signingKey(key: KeyObject): AccessKey {
  const privateKey = key.export({ type: 'pkcs8', format: 'pem' }) as string
  return { ...verifyingKey(createPublicKey(key)), privateKey }
}

function verifyingKey(key: KeyObject): VerifyingKey {
  const { x, y } = key.export({ format: 'jwk' }) as { x: string; y: string }
  const jwk = { kty: 'EC', crv: 'P-256', x, y, alg: 'ES256', use: 'sig' } as const
  const publicKey = key.export({ type: 'spki', format: 'pem' }) as string
  return { publicKey, jwk: { ...jwk, kid: thumbprint(x, y) } }
}

/** RFC 7638: the required members in the order of their names, without white space. */
function thumbprint(x: string, y: string): string {
  return createHash('sha256')
    .update(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y }))
    .digest('base64url')
}
