// A private Redis that tests may stop and pause.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import type { Teardown } from './database.ts'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

export interface RedisServer {
  url: string
  /** Hangs: connections stay open without responses. */
  pause(): void
  resume(): void
  command(...words: string[]): Promise<unknown>
  /** Kills it, with its counters. */
  stop(): Promise<void>
  /** Starts it empty, on the same port. */
  start(): Promise<void>
}

/** Reason to skip tests that need a private Redis, or false. */
export const noRedisServer =
  spawnSync('redis-server', ['--version']).status === 0 ? false : 'redis-server is not installed'

if (noRedisServer && process.env['TEST_REQUIRE_ALL']) {
  throw new Error(`${noRedisServer}: with TEST_REQUIRE_ALL set, it must be`)
}

/** Waits until an app counts limits in `redis`, as its readiness says. */
export const counting = (app: FastifyInstance, where: string) =>
  until(
    `limits are counted in ${where}`,
    async () => (await app.inject('/health/ready')).json().limits === where,
  )

/** Starts a Redis without persistence. */
export async function startRedis(t: Teardown): Promise<RedisServer> {
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  let child: ChildProcess | undefined

  async function start() {
    const bind = ['--port', String(port), '--bind', '127.0.0.1', '--dir', '/tmp']
    child = spawn('redis-server', [...bind, '--save', '', '--appendonly', 'no'], { stdio: 'ignore' })
    const client = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null })
    client.on('error', () => {})
    await client.ping()
    client.disconnect()
  }

  async function stop() {
    if (child?.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  await start()
  t.teardown(stop)
  return {
    url,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async command(name = '', ...words) {
      const client = new Redis(url)
      try {
        return await client.call(name, ...words)
      } finally {
        client.disconnect()
      }
    },
    stop,
    start,
  }
}
