/** The baselines, seen from the driver. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Teardown } from '../../test/harness/database.ts'
import { end, type Server, startServer } from '../child.ts'
import type { Sample } from '../driver.ts'
import type { Order } from './raw-argon2.ts'

/** Starts bare Fastify; routes that need a secret or a (migrated) database are there if these are given. */
export function startBareFastify(
  t: Teardown,
  { cwd, databaseUrl, secret }: { cwd: string; databaseUrl?: string; secret?: string },
): Promise<Server> {
  return startServer(t, {
    module: './baselines/bare-fastify.js',
    cwd,
    readyPath: '/live',
    env: { ...(databaseUrl && { DATABASE_URL: databaseUrl }), ...(secret && { JWT_SECRET: secret }) },
  })
}

/** argon2 in a process of its own. */
export interface RawArgon2 {
  /** The libraries that load here; the last of them is the one that the service uses. */
  libraries: Order['library'][]
  /** Hashes per second. */
  run(order: Order): Promise<Sample>
}

/** As many as are ever hashed at once, so that no library is held up by the pool. */
const THREADS = 8

export async function startRawArgon2(t: Teardown): Promise<RawArgon2> {
  const child: ChildProcess = fork(fileURLToPath(new URL('./raw-argon2.js', import.meta.url)), {
    env: { ...process.env, UV_THREADPOOL_SIZE: String(THREADS) },
  })
  t.teardown(() => end(child))
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`raw argon2 ended with ${code}`)
  })
  // It also ends when the bench does, and then nobody waits for it.
  gone.catch(() => {})
  const answer = async () => {
    const [message] = await Promise.race([once(child, 'message'), gone])
    return message
  }
  return {
    libraries: await answer(),
    async run(order) {
      child.send(order)
      return { rate: Number(await answer()) }
    },
  }
}
