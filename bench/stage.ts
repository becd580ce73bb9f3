/** Everything that rows are measured on, for one kind of database. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDatabase, type Provider } from '../src/database/index.ts'
import { migrate } from '../src/database/migrations.ts'
import { makeKey } from '../src/operators/api-key.ts'
import { emptyDatabase, type Teardown } from '../test/harness/database.ts'
import { freePort } from '../test/harness/free-port.ts'
import { type RawArgon2, startBareFastify, startRawArgon2 } from './baselines/baselines.ts'
import type { Server } from './child.ts'
import { post } from './driver.ts'
import { send } from './paced.ts'
import type { Timing } from './rounds.ts'
import { type Account, type Seeded, seed } from './seed.ts'
import { startService } from './service.ts'

/** A process of the service on a database with accounts. */
export interface SeededService {
  service: Server
  seeded: Seeded
  /** The accounts that one connection of a load uses in turn; no two connections share one. */
  accountsOf(connection: number): Account[]
  /** Waits until the service has done what it took on, and forgets the mails that it still has to send. */
  settle(): Promise<void>
}

export interface Stage extends SeededService {
  provider: Provider
  timing: Timing
  /** The service's listener for operators, and an API key that may introspect. */
  operators: { url: string; key: string }
  bare: Server
  argon2: RawArgon2
  /** Files registrations; the token in the link of each. */
  newRegistrations(count: number): Promise<string[]>
  /** Starts another process of the service, on a seeded database of its own. */
  anotherSeeded(env: Record<string, string>): Promise<SeededService>
  /** Starts another process of the service, on a database of its own that is migrated or not yet there. */
  another(database: 'migrated' | 'missing'): Promise<Server>
  /** Starts another bare Fastify, without a database. */
  anotherBare(): Promise<Server>
}

const ACCOUNTS = 1024
const ACCOUNTS_PER_CONNECTION = 16
/** Those of 16 connections are more than the service caches (src/tokens/access.ts), so that none is met in the cache. */
const COLD_TOKENS = 20

/** Starts the processes; they end with `t`. */
export async function setStage(t: Teardown, provider: Provider, timing: Timing): Promise<Stage> {
  const folder = newFolder(t)
  const secret = randomBytes(48).toString('base64url')
  const newDatabase = emptyDatabases(t, provider, folder)

  const baselineUrl = await newDatabase()
  await migrate(baselineUrl)

  async function startSeeded(env: Record<string, string>, coldTokens = 0) {
    const databaseUrl = await newDatabase()
    const seeded = await seed(databaseUrl, secret, ACCOUNTS, coldTokens)
    const { client, close } = await openDatabase(databaseUrl)
    t.teardown(close)
    const service = await startService(t, { databaseUrl, secret, cwd: folder, env })
    // Logged in to so often that its other sessions end: no row uses its tokens.
    const settler = seeded.accounts.at(-1) as Account
    return {
      client,
      service,
      seeded,
      accountsOf(connection: number) {
        const from = (connection * ACCOUNTS_PER_CONNECTION) % ACCOUNTS
        return seeded.accounts.slice(from, from + ACCOUNTS_PER_CONNECTION)
      },
      async settle() {
        // Hashes wait in one queue: when this one is done, all before it are.
        await send(service.url, post('/login', { email: settler.email, password: seeded.password }))
        await client.outbox.deleteMany()
      },
    }
  }

  const port = await freePort()
  const { client, ...main } = await startSeeded({ OPERATOR_PORT: String(port) }, COLD_TOKENS)
  const { id, key, hash } = makeKey()
  const scopes = 'tokens:introspect'
  await client.apiKey.create({
    data: { id, hash, name: 'bench', scopes, createdAt: new Date(), createdBy: 'cli' },
  })

  return {
    ...main,
    provider,
    timing,
    newRegistrations: count => main.seeded.newRegistrations(client, count),
    anotherSeeded: startSeeded,
    operators: { url: `http://127.0.0.1:${port}`, key },
    bare: await startBareFastify(t, { cwd: folder, databaseUrl: baselineUrl, secret }),
    argon2: await startRawArgon2(t),
    async another(state) {
      const url = await newDatabase()
      if (state === 'migrated') await migrate(url)
      return startService(t, { databaseUrl: url, secret, cwd: folder })
    },
    anotherBare: () => startBareFastify(t, { cwd: folder }),
  }
}

/** Makes migrated databases without rows; they end with `t`. */
export function databasesOf(t: Teardown, provider: Provider): () => Promise<string> {
  const newDatabase = emptyDatabases(t, provider, newFolder(t))
  return async () => {
    const url = await newDatabase()
    await migrate(url)
    return url
  }
}

function emptyDatabases(t: Teardown, provider: Provider, folder: string): () => Promise<string> {
  let databases = 0
  return async () =>
    provider === 'sqlite'
      ? `file:${join(folder, String(databases++), 'latchkey.db')}`
      : emptyDatabase(t, 'postgresql')
}

/** Where the service has its file by default: temporary folders may lie in memory, where `fsync` is free. */
function newFolder(t: Teardown): string {
  const data = fileURLToPath(new URL('data', import.meta.resolve('#root/package.json')))
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const folder = mkdtempSync(join(data, 'bench-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
