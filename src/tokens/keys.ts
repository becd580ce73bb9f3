/**
 * Derives keys by HKDF (RFC 5869). One signing secret yields a separate key for each purpose and use, so that a token
 * or code of one purpose is invalid for every other.
 */
import { hkdfSync, randomBytes, randomUUID } from 'node:crypto'
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { dataFolder } from '../config/urls.ts'

/** What a key does for the tokens of its purpose. */
type KeyUse = 'sign' | 'fingerprint' | 'code' | 'successor' | 'envelope' | 'recipient' | 'es256'

/** The signing secrets. The first one signs and verifies, the others only verify. */
export type Secrets = readonly [current: string, ...previous: string[]]

/**
 * Derives the key of one purpose and use.
 *
 * @param secret a signing secret, at least 32 bytes
 * @param purpose audience of the tokens, such as `reset`
 * @param use what the key does for them
 * @param bytes length of the key
 */
export function deriveKey(secret: string, purpose: string, use: KeyUse, bytes = 32): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `latchkey/1/${purpose}/${use}`, bytes))
}

/**
 * Loads the signing secrets: from the configuration, or else from a file beside the embedded database, which the first
 * start creates. Production requires the configuration (see config/production.ts).
 *
 * @throws the file system's error if the file can be neither read nor created
 */
export async function loadSecrets(
  config: Pick<Config, 'JWT_SECRET' | 'JWT_SECRET_PREVIOUS' | 'DATABASE_URL'>,
): Promise<Secrets> {
  const current = config.JWT_SECRET ?? (await storedSecret(config.DATABASE_URL))
  return config.JWT_SECRET_PREVIOUS === undefined ? [current] : [current, config.JWT_SECRET_PREVIOUS]
}

async function storedSecret(databaseUrl: string): Promise<string> {
  const folder = dataFolder(databaseUrl)
  const path = join(folder, 'jwt-secret')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // Written to a draft, then linked: if two processes start at once, one creates the file and neither reads half of it.
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, randomBytes(48).toString('base64url'), { flag: 'wx', mode: 0o600 })
  try {
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await unlink(draft)
  }
  const secret = await readFile(path, 'utf8')
  if (secret.length < 32)
    throw new Error(`${path}: too short for a signing secret; remove it and start again`)
  return secret
}
