/** Accounts with sessions and tokens, written straight into the database. */
import Fastify from 'fastify'
import { v7 as uuidv7 } from 'uuid'
import { type Config, loadConfig } from '../src/config/config.ts'
import { openDatabase } from '../src/database/index.ts'
import { migrate } from '../src/database/migrations.ts'
import type { PrismaClient } from '../src/generated/sqlite/client.ts'
import { loadArgon2 } from '../src/passwords/argon2.ts'
import { newSession } from '../src/sessions/pair.ts'
import { confirmable } from '../src/tokens/fingerprint.ts'
import tokens from '../src/tokens/tokens.ts'

/** An account as the driver uses it. */
export interface Account {
  email: string
  accessToken: string
  /** Of HS256, as the release before signs it. */
  sharedKeyToken: string
  /** Other tokens of the same session, which the service has not verified yet. */
  coldTokens: string[]
  refreshToken: string
  resetToken: string
}

/** What the seeded database holds. */
export interface Seeded {
  /** Of every account. */
  password: string
  accounts: Account[]
  /**
   * Files registrations of addresses that nobody has.
   *
   * @returns the token in the link of each
   */
  newRegistrations(client: PrismaClient, count: number): Promise<string[]>
}

const PASSWORD = 'correct horse battery staple'
const ROWS_AT_ONCE = 256
const DAY_MS = 86_400_000

/**
 * Migrates a database and fills it.
 *
 * @param secret the service's JWT_SECRET
 * @param count how many accounts, each with one session
 * @param coldTokens how many more tokens each session gets
 */
export async function seed(
  databaseUrl: string,
  secret: string,
  count: number,
  coldTokens = 0,
): Promise<Seeded> {
  await migrate(databaseUrl)
  const config = loadConfig({ DATABASE_URL: databaseUrl, JWT_SECRET: secret })
  const appOf = async (config: Config) => {
    const app = Fastify()
    app.decorate('config', config)
    app.decorate('clock', () => new Date())
    await app.register(tokens)
    return app
  }
  const app = await appOf(config)
  const shared = await appOf({ ...config, ACCESS_TOKEN_ALG: 'HS256' })
  // One salt for all: what a verification costs does not depend on it.
  const argon2 = await loadArgon2()
  const passwordHash = await argon2.hash(PASSWORD, {
    memory: config.ARGON2_MEMORY_KIB,
    time: config.ARGON2_TIME_COST,
    parallelism: config.ARGON2_PARALLELISM,
  })
  const now = new Date()
  const rows = Array.from({ length: count }, (_, index) => {
    const user = {
      id: uuidv7(),
      email: `person-${index}@example.org`,
      passwordHash,
      createdAt: now,
      passwordChangedAt: now,
      emailConfirmedAt: now,
    }
    const { session, refreshToken } = newSession(app.tokens, config, now)
    const account = {
      email: user.email,
      refreshToken,
      accessToken: app.tokens.access.mint({ ...session, userId: user.id }),
      sharedKeyToken: shared.tokens.access.mint({ ...session, userId: user.id }),
      coldTokens: Array.from({ length: coldTokens }, () =>
        app.tokens.access.mint({ ...session, userId: user.id }),
      ),
      resetToken: app.tokens.reset.mint(user, {}).token,
    }
    return { user, session: { ...session, userId: user.id }, account }
  })
  await app.close()
  await shared.close()

  const { client, close } = await openDatabase(databaseUrl)
  for (let from = 0; from < count; from += ROWS_AT_ONCE) {
    const some = rows.slice(from, from + ROWS_AT_ONCE)
    await client.user.createMany({ data: some.map(row => row.user) })
    await client.session.createMany({ data: some.map(row => row.session) })
  }
  await close()
  return {
    password: PASSWORD,
    accounts: rows.map(row => row.account),
    async newRegistrations(client, count) {
      const registrations = Array.from({ length: count }, () => {
        const id = uuidv7()
        const [createdAt, expiresAt] = [new Date(), new Date(Date.now() + DAY_MS)]
        return { id, email: `${id}@example.org`, createdAt, expiresAt }
      })
      for (let from = 0; from < count; from += ROWS_AT_ONCE) {
        await client.registration.createMany({ data: registrations.slice(from, from + ROWS_AT_ONCE) })
      }
      return registrations.map(registration => {
        const { email } = registration
        return app.tokens.confirm.mint(confirmable(registration), { email }).token
      })
    },
  }
}
