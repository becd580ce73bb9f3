// Format of an API key: `lk_<id>_<secret><checksum>`.
//
// With prefix and checksum a secret scanner recognises a leaked key offline, and a mistyped key costs no query.
import { hash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { v7 as uuidv7 } from 'uuid'

const FORM = /^lk_([0-9a-f]{32})_([0-9a-f]{64})([0-9a-f]{8})$/

/** A parsed key of a request. */
interface ShownKey {
  /** UUID of its row. */
  id: string
  /** SHA-256 of the whole key; a fast hash is enough for 256 random bits. */
  hash: string
}

/** Creates a key. It is shown once and not stored. */
export function makeKey(): ShownKey & { key: string } {
  const id = uuidv7()
  const body = `lk_${id.replaceAll('-', '')}_${randomBytes(32).toString('hex')}`
  const key = body + checksumOf(body)
  return { id, key, hash: hashOf(key) }
}

/** @returns undefined for a string that is not a key, or a mistyped one */
export function parseKey(text: string): ShownKey | undefined {
  const [, id, , checksum] = FORM.exec(text) ?? []
  if (id === undefined || checksumOf(text.slice(0, -8)) !== checksum) return undefined
  return { id: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'), hash: hashOf(text) }
}

const hashOf = (key: string) => hash('sha256', key, 'base64url')
const checksumOf = (text: string) => crc32(text).toString(16).padStart(8, '0')
