/**
 * Keys. One signing secret yields, by HKDF (RFC 5869), a key of its own for each purpose and use, so
 * that what one key signed is nothing to another.
 */
import { hkdfSync, randomBytes, randomUUID } from 'node:crypto'
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { dataFolder } from '../config/urls.ts'

/** What a key is for: the audience of a token and the use that is made of the key. */
export type KeyUse = 'sign' | 'fingerprint' | 'code' | 'successor' | 'envelope' | 'recipient' | 'es256'

/** The signing secrets: the first signs and verifies, the others only verify. */
export type Secrets = readonly [current: string, ...previous: string[]]

/**
 * Derives the key of one purpose and use.
 *
 * @param secret a signing secret, at least 32 bytes
 * @param purpose the tokens it is for, such as `reset`
 * @param use what it does for them
 * @param bytes length of the key
 */
export function deriveKey(secret: string, purpose: string, use: KeyUse, bytes = 32): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `latchkey/1/${purpose}/${use}`, bytes))
}

/**
 * The secrets to sign with: from the configuration, or else from a file beside the embedded database
 * that is made at the first start. Production has no such file (see config/production.ts).
 *
 * @throws the file system's error where the file can be neither read nor made
 */
export async function loadSecrets(
  config: Pick<Config, 'JWT_SECRET' | 'JWT_SECRET_PREVIOUS' | 'DATABASE_URL'>,
): Promise<Secrets> {
  const current = config.JWT_SECRET ?? (await keptSecret(config.DATABASE_URL))
  return config.JWT_SECRET_PREVIOUS === undefined ? [current] : [current, config.JWT_SECRET_PREVIOUS]
}

async function keptSecret(databaseUrl: string): Promise<string> {
  const folder = dataFolder(databaseUrl)
  const path = join(folder, 'jwt-secret')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // Written aside and linked whole: of two processes that start at once one makes it, neither reads half.
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
