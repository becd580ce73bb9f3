import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { freshDatabase } from '../../harness/database.ts'
import { type ServiceProcess, serviceEnvironment, startProcess } from '../../harness/process.ts'

async function running(t: Test, env: Record<string, string> = {}) {
  const service = startProcess(t, {
    env: serviceEnvironment({ DATABASE_URL: await freshDatabase(t), ...env }),
  })
  return { service, url: await service.listening() }
}

/** A request over an agent's connections: status and `Connection` header, or the code of its failure. */
function send(agent: Agent, url: string, body?: object) {
  return new Promise<{ status: number | string; connection?: string | undefined }>(resolve => {
    const headers = body && { 'content-type': 'application/json' }
    const asked = request(
      url,
      { method: body ? 'POST' : 'GET', agent, ...(headers && { headers }) },
      answer => {
        answer.resume().on('end', () => {
          resolve({ status: answer.statusCode ?? 0, connection: answer.headers.connection })
        })
      },
    )
    asked.on('error', error => resolve({ status: (error as NodeJS.ErrnoException).code ?? 'error' }))
    asked.end(body && JSON.stringify(body))
  })
}

function agent(t: Test, keepAlive: boolean) {
  const made = new Agent({ keepAlive })
  t.teardown(() => made.destroy())
  return made
}

/** Signals and measures: the exit code and the milliseconds it took. */
async function stopped(service: ServiceProcess, signal: NodeJS.Signals) {
  const begun = performance.now()
  const code = await service.end(signal)
  return { code, ms: performance.now() - begun }
}

/** There is no listener. One that the kernel had connected when it closed is reset. */
const REFUSALS: (number | string)[] = ['ECONNREFUSED', 'ECONNRESET']

const login = { email: 'nobody@example.org', password: 'not the password' }

t.test('a load balancer sees that readiness is off before connections are refused', async t => {
  const { service, url } = await running(t)
  t.equal((await send(agent(t, false), `${url}/health/ready`)).status, 200)
  service.child.kill('SIGTERM')
  const seen: (number | string)[] = []
  const served: (number | string)[] = []
  const offs: number[] = []
  const begun = performance.now()
  while (!REFUSALS.includes(seen.at(-1) ?? 0) && performance.now() - begun < 60_000) {
    // Each on a connection of its own, as a probe is.
    seen.push((await send(agent(t, false), `${url}/health/ready`)).status)
    if (seen.at(-1) === 503) {
      offs.push(performance.now())
      const { status, connection } = await send(agent(t, false), `${url}/login`, login)
      if (seen.filter(status => status === 503).length === 1) {
        t.equal(status, 401, 'everything else is still served')
        t.equal(connection, 'close')
        t.equal((await send(agent(t, false), `${url}/health/live`)).status, 200)
      }
      served.push(status)
    }
    await delay(100)
  }
  const told = seen.map(status => (REFUSALS.includes(status) ? 'refused' : status))
  t.strictSame([...new Set(told.filter(status => status !== 200))], [503, 'refused'], 'in this order')
  const seconds = ((offs.at(-1) ?? 0) - (offs[0] ?? 0)) / 1000
  t.ok(seconds > 1.5, 'for so long that a probe each second sees it twice', { seconds })
  t.equal(await service.ended(), 0)
  t.ok(
    service.log().some(({ msg, signal }) => msg === 'shutting down' && signal === 'SIGTERM'),
    'and the log says why',
  )
})

t.test('requests in flight are answered, over connections that are kept alive too', async t => {
  const { service, url } = await running(t, { ARGON2_MEMORY_KIB: '19456', ARGON2_TIME_COST: '2' })
  const keptAlive = agent(t, true)
  const inFlight = Promise.all(Array.from({ length: 20 }, () => send(keptAlive, `${url}/login`, login)))
  await delay(50)
  const { code, ms } = await stopped(service, 'SIGTERM')
  const answers = await inFlight
  t.strictSame(
    answers.map(({ status }) => status),
    Array(20).fill(401),
  )
  t.ok(answers.some(({ connection }) => connection === 'close'))
  t.equal(code, 0)
  t.ok(ms < 10_000, 'well within 20 s', { ms })
  t.notMatch(service.stdout(), /took too long/)
})

t.test('requests in flight are answered when a person presses Ctrl-C, and nobody waits', async t => {
  // Hashes that take long enough for all to arrive before a few are answered.
  const { service, url } = await running(t, { ARGON2_MEMORY_KIB: '65536', ARGON2_TIME_COST: '3' })
  const keptAlive = agent(t, true)
  let answered = 0
  const inFlight = Array.from({ length: 20 }, async () => {
    const answer = await send(keptAlive, `${url}/login`, login)
    answered++
    return answer
  })
  // By then the others have arrived; what has not, when the listener closes, nobody can answer.
  while (answered < 4) await delay(5)
  const { code, ms } = await stopped(service, 'SIGINT')
  const answers = await Promise.all(inFlight)
  t.strictSame(
    answers.map(({ status }) => status),
    Array(20).fill(401),
  )
  t.ok(
    answers.filter(({ connection }) => connection === 'close').length >= 10,
    'most of them while it closed',
  )
  t.equal(code, 0)
  t.ok(ms < 10_000, 'well within 20 s', { ms })
})

t.test('idle connections do not hold it up: kept alive, never used, or half a request', async t => {
  const { service, url } = await running(t)
  const keptAlive = agent(t, true)
  t.equal((await send(keptAlive, `${url}/login`, login)).connection, 'keep-alive')
  const { port, hostname } = new URL(url)
  const sockets = [connect(Number(port), hostname), connect(Number(port), hostname)]
  for (const socket of sockets) {
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
  }
  sockets[1]?.write('POST /login HTTP/1.1\r\nhost: x\r\n')
  await delay(100)
  const { code, ms } = await stopped(service, 'SIGINT')
  t.equal(code, 0)
  t.ok(ms < 3000, 'at once', { ms })
})

t.test('a second signal ends it at once', async t => {
  const { service, url } = await running(t)
  t.equal((await send(agent(t, false), `${url}/health/live`)).status, 200)
  service.child.kill('SIGTERM')
  await delay(200)
  const { code, ms } = await stopped(service, 'SIGTERM')
  t.equal(code, 1)
  t.ok(ms < 2500, 'without waiting for those 3 s', { ms })
})

t.test('a signal that comes with the first line of the banner is heeded', async t => {
  const { service } = await running(t)
  t.equal((await stopped(service, 'SIGTERM')).code, 0)
})
