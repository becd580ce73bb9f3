/**
 * The process is killed (SIGKILL) again and again on one database, at moments that a seed determines, during a start
 * or under a mixed load. After each kill the rows are consistent. Acknowledged changes last; a request without a
 * response was executed completely or not at all; every email arrives, twice only if a process was killed while
 * sending it.
 *
 * A power failure is not simulated: what a killed process has written, the operating system still has.
 *
 * FAULT_KILLS is the number of kills; FAULT_SEED repeats the same moments.
 */
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Provider } from '../../../../src/database/index.ts'
import { migrate } from '../../../../src/database/migrations.ts'
import { emptyDatabase, providers } from '../../../harness/database.ts'
import { drawFrom, seedOf } from '../../../harness/draw.ts'
import { emptyFolder, serviceEnvironment, startProcess } from '../../../harness/process.ts'
import { startSmtpServer } from '../../../harness/smtp.ts'
import { until } from '../../../harness/until.ts'
import { begin } from './begin.ts'
import { between, faultsOf, openPlain } from './invariants.ts'
import { emptyLedger, KINDS, mailboxes } from './ledger.ts'
import type { Account, World } from './lifecycle.ts'
import { wrongMails } from './mails.ts'
import { newGateway } from './service.ts'
import { stepsOf } from './steps.ts'

/** Number of parallel clients. */
const PEOPLE = 10
/** Every fifth process is killed before it serves, the others after at most MOST_ANSWERS responses. */
const KILLED_AT_START = 5
const MOST_ANSWERS = 60
/** And up to this many milliseconds later, so that any statement may be the last. */
const MOST_AFTER_MS = 8
/** Time until a kill if there is no response because all clients wait for emails. */
const LONGEST_LIFE_MS = 10_000

/** This many kills cover every operation; fewer need not. */
const MANY_KILLS = 20

/** Tests of both databases side by side. FAULT_KILLS overrides `kills`. */
export function killRepeatedly({ kills }: { kills: number }): void {
  t.setTimeout(0)
  t.jobs = providers.length
  for (const { provider, skip } of providers) {
    t.test(`${provider}: a killed process loses no acknowledged change`, { skip, timeout: 0 }, t =>
      killProcesses(t, provider, Number(process.env['FAULT_KILLS'] || kills)),
    )
  }
}

/** @param t fails at the first difference from an acknowledged change */
async function killProcesses(t: Test, provider: Provider, kills: number): Promise<void> {
  const seed = seedOf('FAULT_SEED')
  t.comment(`FAULT_SEED=${seed} FAULT_KILLS=${kills}`)
  const draw = drawFrom(seed)
  const url = await emptyDatabase(t, provider)
  await migrate(url)
  const smtp = await startSmtpServer(t)
  const cwd = emptyFolder(t)
  const env = serviceEnvironment({
    // Two services, PostgreSQL and the load share the cores: a connection may take longer than the default of 3 s.
    DATABASE_URL: provider === 'postgresql' ? `${url}?connect_timeout=30` : url,
    MAIL_BACKEND: 'smtp',
    MAIL_SERVER: smtp.host,
    MAIL_PORT: String(smtp.port),
    LOG_LEVEL: 'error',
    // A response lost to a kill is requested again after the next start, which a busy machine delays.
    REFRESH_GRACE: '600',
  })
  const end = new AbortController()
  t.teardown(() => end.abort())
  const gateway = newGateway(end.signal)
  const mail = mailboxes(smtp, end.signal)
  const ledger = emptyLedger()
  /** Emails that a process was sending when it was killed, by recipient: these may arrive twice. */
  const beingSent = new Map<string, number>()

  let stopped = false
  let failure: Error | undefined
  const accounts = new Map<number, Account | undefined>()
  async function live(index: number) {
    const world: World = {
      gateway,
      mail,
      ledger,
      draw: drawFrom(seed + index),
      name: `person${index}`,
      made: 0,
    }
    const { next, audit } = stepsOf(world)
    let account: Account | undefined
    while (!stopped) {
      account = account === undefined ? await begin(world) : await next(account)
      accounts.set(index, account)
    }
    if (account) await audit(account)
  }
  const lives = Promise.all(Array.from({ length: PEOPLE }, (_, index) => live(index + 1))).catch(error => {
    failure = error
  })

  /** Starts a process, and determines how it is killed. */
  const start = () => {
    const service = startProcess(t, { env, cwd })
    const began = performance.now()
    return { service, age: () => performance.now() - began }
  }
  const errorOutput: string[] = []
  let startMs = 1500
  let young = 0

  for (let killed = 0; killed < kills && failure === undefined; killed++) {
    const { service, age } = start()
    const listening = service.listening().then(
      at => {
        startMs = (startMs + age()) / 2
        return at
      },
      () => undefined,
    )
    if (killed % KILLED_AT_START === KILLED_AT_START - 1) {
      await Promise.race([delay(draw.share() * startMs), listening])
      young++
    } else {
      const at = await listening
      if (at === undefined) throw new Error(`it does not start:\n${service.stdout()}${service.stderr()}`)
      gateway.open(at)
      const [answers, after] = [draw.below(MOST_ANSWERS), draw.share() * MOST_AFTER_MS]
      const began = performance.now()
      while (
        gateway.answers() < answers &&
        failure === undefined &&
        performance.now() - began < LONGEST_LIFE_MS
      )
        await delay(1)
      await delay(after)
    }
    await service.end('SIGKILL')
    gateway.shut()
    errorOutput.push(...service.log().map(line => JSON.stringify(line)))
    await between(url, provider, async rows => {
      const faults = await faultsOf(rows, provider)
      if (faults.length > 0) throw new Error(`after kill ${killed + 1}: ${faults.slice(0, 10).join('\n')}`)
      const leased = await rows.query(`SELECT recipient FROM outbox WHERE leased_until IS NOT NULL`)
      for (const { recipient } of leased) {
        beingSent.set(String(recipient), (beingSent.get(String(recipient)) ?? 0) + 1)
      }
      // The lease of a minute expires.
      await rows.query(`UPDATE outbox SET leased_until = NULL, next_attempt_at = created_at
        WHERE leased_until IS NOT NULL`)
    })
  }
  if (failure) throw failure

  const { service } = start()
  gateway.open(await service.listening())
  stopped = true
  await lives
  if (failure) throw failure
  const rows = await openPlain(url, provider)
  try {
    const queued = `SELECT id FROM outbox WHERE state = 'queued'`
    await until('every mail has left', async () => (await rows.query(queued)).length === 0)
  } finally {
    await rows.close()
  }
  t.equal(await service.end('SIGINT'), 0, 'the last process exits with 0')
  errorOutput.push(...service.log().map(line => JSON.stringify(line)))
  t.strictSame(errorOutput, [], 'no process logged an error')
  await between(url, provider, async rows => {
    t.strictSame(await faultsOf(rows, provider), [], 'the database is intact')
    t.strictSame(
      await wrongMails(rows, mail, ledger, beingSent),
      [],
      'every email arrived, and none twice except those being sent',
    )
  })

  const { acknowledged, cut } = ledger
  t.comment(`${kills} kills, ${young} of them before it served; ${smtp.mails.length} mails`)
  t.comment(`acknowledged: ${JSON.stringify(acknowledged)}`)
  t.comment(`without an answer: ${JSON.stringify(cut)}`)
  t.comment(`mails in hand at a kill: ${[...beingSent.values()].reduce((sum, count) => sum + count, 0)}`)
  if (kills >= MANY_KILLS) {
    for (const kind of KINDS) t.ok(acknowledged[kind] >= kills / 10, `enough was acknowledged: ${kind}`)
  }
  t.ok(cut.happened + cut['did not happen'] + cut.either >= kills / 2, 'requests lost their response')
  t.equal(accounts.size, PEOPLE, 'every client took part')
}
