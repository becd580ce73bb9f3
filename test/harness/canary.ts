// Searches for secrets in log lines, responses and the database, where none may be.
import type { Test } from 'tap'
import { provider } from './database.ts'
import type { Rows } from './rows.ts'

/** Every row of every table of the database, including tables without a model. */
export async function wholeDatabase({ client }: Rows): Promise<Record<string, object[]>> {
  const tables =
    provider === 'sqlite'
      ? await client.$queryRawUnsafe<{ name: string }[]>(
          `SELECT name FROM sqlite_master WHERE type = 'table'`,
        )
      : await client.$queryRawUnsafe<{ name: string }[]>(
          `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`,
        )
  const dump: Record<string, object[]> = {}
  for (const { name } of tables) dump[name] = await client.$queryRawUnsafe(`SELECT * FROM "${name}"`)
  return dump
}

/** A secret, and encodings of it that are as useful to an attacker. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const forms = [
    secret,
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('hex'),
    encodeURIComponent(secret),
  ]
  // Only the signature of a JWT is secret: its claims can be derived from the row.
  const signature = /^[\w-]+\.[\w-]+\.([\w-]{20,})$/.exec(secret)?.[1]
  return signature ? [...forms, signature] : forms
}

/** Asserts that a text contains none of the secrets, in any encoding. `secrets` maps names to values. */
export function isFreeOf(t: Test, text: string, secrets: Map<string, string>, where: string) {
  for (const [name, secret] of secrets) {
    // A code may be part of a longer number, such as the time of a log line.
    const isCode = /^\d{6,8}$/.test(secret)
    t.ok(isCode || secret.length > 10, `${name} is a real value`)
    const found = isCode
      ? (new RegExp(`(?<![0-9a-f])${secret}(?![0-9a-f])`).exec(text) ?? [])
      : formsOf(secret).filter(form => text.includes(form))
    t.strictSame(found, [], `${where}: ${name}`)
  }
}
