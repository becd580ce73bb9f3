/** The service under test, and runs on it: each with new addresses on the same database. */
import assert from 'node:assert'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { openDatabase, type Provider } from '../../../src/database/index.ts'
import type { MailTransport, OutgoingMail } from '../../../src/mail/transport.ts'
import { startApp, testClock } from '../../harness/app.ts'
import { freshDatabase, type Teardown } from '../../harness/database.ts'
import { bindMails, linearise } from './linearise.ts'
import { prober } from './probes.ts'
import { mayBecome, readRows, rowsOf, textOf } from './rows.ts'
import type { Action, Answer, CallOptions, Choose, Picks, Run } from './run.ts'
import { emptyState, type Purpose } from './state.ts'

export interface ServiceOptions {
  /** REFRESH_GRACE, in seconds. */
  grace: number
  /** EMAIL_CONFIRMATION. */
  confirmation: 'required' | 'off'
  provider: Provider
}

/** Identifies an email by its subject. */
const SUBJECTS: [RegExp, string, Purpose?][] = [
  [/^Confirm your email/, 'confirm_address', 'confirm'],
  [/^You already have/, 'already_registered'],
  [/^Reset your password/, 'reset_password', 'reset'],
  [/^Your code to change/, 'password_change_code'],
  [/^Your password for .* was changed/, 'password_changed', 'secure'],
  [/^Confirm your new/, 'change_email', 'move'],
  [/^A new email address was requested/, 'email_change_requested', 'secure'],
  [/^Your email address .* was changed/, 'email_changed', 'secure'],
  [/^New device/, 'new_device', 'secure'],
  [/is secured$/, 'account_secured', 'reset'],
  [/was deleted$/, 'farewell', 'secure'],
]

/** Fewer than the service accepts in parallel. */
const PROBES_AT_ONCE = 8

/** Waits for the service to continue; usually a few turns of the event loop, less than a millisecond. */
const nextTurns = (looks: number) => (looks < 50 ? turn() : delay(1))

/** A difference between the service and the model, and the steps that led to it. */
function modelMismatch(transcript: string[], what: string): never {
  throw new Error(`${what}\n\nWhat was done:\n${transcript.map(line => `  ${line}`).join('\n')}\n`)
}

export type Service = Awaited<ReturnType<typeof startService>>

/** Whether emails are still queued. */
const QUEUED = `SELECT id FROM outbox WHERE state = 'queued' LIMIT 1`
const DISABLE = 'UPDATE users SET disabled_at = $1 WHERE email = $2 RETURNING id'

export async function startService(t: Teardown, { grace, confirmation, provider }: ServiceOptions) {
  const time = testClock(new Date('2030-01-01T00:00:00.250Z'))
  // Collected without an SMTP server, which would take most of the time of a run.
  const inbox: OutgoingMail[] = []
  const transport: MailTransport = {
    name: 'smtp',
    describe: () => 'a list',
    send: async mail => void inbox.push(mail),
    close() {},
  }
  const databaseUrl = await freshDatabase(t, provider)
  const { app, log } = await startApp(t, {
    databaseUrl,
    env: {
      REFRESH_GRACE: String(grace),
      EMAIL_CONFIRMATION: confirmation,
      LOG_LEVEL: 'error',
      HASH_QUEUE_TIMEOUT: '60',
      PASSWORD_MIN_LENGTH: '8',
    },
    // Keeps expired rows, so that the model need not predict when they are deleted.
    overrides: { clock: time.clock, housekeeping: { interval: 2 ** 30 }, mail: { transport } },
  })
  // Bypasses Prisma, whose query interpreter takes longer than the query.
  const { statements, close } = await openDatabase(databaseUrl)
  t.teardown(close)
  const declared = declaredStatuses((await app.openapi()) as never)
  let runs = 0

  async function call(
    method: string,
    url: string,
    { payload, bearer, device }: CallOptions = {},
  ): Promise<Answer> {
    const answer = await app.inject({
      method: method as 'POST',
      url,
      headers: {
        'user-agent': device ?? 'curl/8.9.1',
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      },
      ...(payload && { payload }),
    })
    const body = answer.body === '' ? {} : answer.json()
    const route = `${method} ${url.replace(/^(\/sessions)\/.*/, '$1/{id}')}`
    assert(
      answer.statusCode < 500,
      `${route} answered ${answer.statusCode} ${answer.body} ${JSON.stringify(log)}`,
    )
    assert(
      declared.get(route)?.has(answer.statusCode),
      `${route} answered an undeclared ${answer.statusCode}`,
    )
    return {
      said: answer.statusCode < 400 ? String(answer.statusCode) : `${answer.statusCode} ${body.code}`,
      body,
    }
  }

  /** Waits until every email is sent or dropped. */
  async function settle() {
    const until = Date.now() + 20_000
    for (let looks = 0; ; looks++) {
      if ((await statements.read(QUEUED, [])).length === 0) return
      await nextTurns(looks)
      assert(Date.now() < until, 'mails are still queued after 20 s')
    }
  }

  function startRun() {
    runs += 1
    // Starts on the hour, so that a run does not depend on its place in the sequence.
    const hour = 3_600_000
    time.advance((hour - ((time.clock().getTime() - 250) % hour)) / 1000)
    inbox.length = 0
    const emails = ['ada', 'bob', 'eve'].map(name => `${name}-${runs}@example.org`)
    const transcript: string[] = []
    const history: Parameters<typeof readRows>[2] = new Map()
    let ops = 0
    let mails = 0

    const run: Run = {
      emails,
      states: [emptyState()],
      moment: { now: time.clock().getTime(), grace, required: confirmation === 'required' },
      held: { access: [], refresh: [], requests: [], changes: [], links: [], codes: [] },
      call,
      disable: async email => (await statements.change(DISABLE, [time.clock(), email])).length > 0,
    }
    const probes = prober(run)

    function move(by: number) {
      time.advance(by)
      run.moment = { ...run.moment, now: time.clock().getTime() }
    }

    function keep(name: string, action: Action, { body }: Answer) {
      const text = (key: string) => body[key] as string | undefined
      const [access, refresh] = [text('accessToken'), text('refreshToken')]
      if (access) {
        const { sid } = JSON.parse(Buffer.from(access.split('.')[1] as string, 'base64url').toString())
        run.held.access.push({ name, value: access, sessionId: sid })
      }
      if (refresh) run.held.refresh.push({ name, value: refresh })
      const [request, change] = [text('requestToken'), text('changeToken')]
      if (request) run.held.requests.push({ name, value: request })
      if (change) run.held.changes.push({ name, value: change, access: action.access as string })
    }

    function open(mail: OutgoingMail) {
      const [, kind, purpose] = SUBJECTS.find(([subject]) => subject.test(mail.subject)) ?? []
      if (kind === undefined) modelMismatch(transcript, `an unknown mail: ${mail.subject}`)
      mails += 1
      const name = `m${mails}`
      transcript.push(`  mail ${name}: ${kind} to ${mail.to}`)
      const token = /#token=(\S+)/.exec(mail.text)?.[1]
      if (purpose && token) run.held.links.push({ name, purpose, value: token })
      const code = /^(\d{6}|\d{4} \d{4})$/m.exec(mail.text)?.[1]?.replace(' ', '')
      if (code) run.held.codes.push({ name, value: code })
      // Of two emails that announce a deletion, one can undo it.
      return { name, kind: kind === 'farewell' && token ? 'account_deleted' : (kind as string), to: mail.to }
    }

    /** Keeps the states that match the rows, now or after the last refusals are recorded. */
    async function compareRows() {
      const until = Date.now() + 2000
      for (let looks = 0; ; looks++) {
        const found = await readRows(statements.read, emails, history)
        const expected = run.states.map(state => ({ state, rows: rowsOf(state, run) }))
        if (expected.some(({ rows }) => textOf(rows) === textOf(found))) {
          run.states = expected.filter(({ rows }) => mayBecome(found, rows)).map(({ state }) => state)
          return
        }
        if (Date.now() > until)
          modelMismatch(
            transcript,
            `rows:\n${textOf(found)}\nthe model:\n${expected[0] && textOf(expected[0].rows)}`,
          )
        await nextTurns(looks)
      }
    }

    async function probe(all = false) {
      // In parallel, because these use up nothing.
      const due = probes.due(all)
      const answers: string[] = []
      for (let from = 0; from < due.length; from += PROBES_AT_ONCE) {
        const asked = due.slice(from, from + PROBES_AT_ONCE).map(one => one.ask())
        answers.push(...(await Promise.all(asked)))
      }
      for (const [index, one] of due.entries()) {
        const said = answers[index] as string
        probes.note(one, said)
        const agreeing = run.states.filter(state => one.expected(state) === said)
        if (agreeing.length === 0) {
          const expected = run.states.map(state => one.expected(state))
          modelMismatch(
            transcript,
            `${one.words} answered ${said}, the model says ${[...new Set(expected)].join(' or ')}`,
          )
        }
        run.states = agreeing
      }
    }

    return {
      run,
      async advance(by: number) {
        move(by)
        transcript.push(`(${by} seconds later)`)
        await compareRows()
        await probe()
      },
      /** Runs actions in parallel and compares everything with the model. */
      async act(
        chosen: [{ choose: Choose; picks: Picks }, turns: number][],
        options: { probing?: boolean } = {},
      ) {
        move(0.001)
        const actions = chosen.flatMap(([{ choose, picks }, turns]) => {
          const name = String(ops++)
          const action = choose(run, name, picks)
          return action ? [{ name, action, turns }] : []
        })
        if (actions.length === 0) return
        const before = inbox.length
        const answers = await Promise.all(
          actions.map(async ({ action, turns }) => {
            for (let left = actions.length > 1 ? turns : 0; left > 0; left--) await turn()
            return action.send()
          }),
        )
        await settle()
        const acts = actions.map(({ name, action }, i) => {
          const answer = answers[i] as Answer
          transcript.push(`${actions.length > 1 ? '∥ ' : ''}${name}: ${action.words} -> ${answer.said}`)
          if (answer.said.startsWith('2')) keep(name, action, answer)
          return { action, said: answer.said }
        })
        const explained = linearise(run.states, acts, run.moment)
        if (explained.length === 0) {
          const says = acts.map(({ action }) =>
            run.states.flatMap(state => action.outcomes(state, run.moment)).map(({ answer }) => answer),
          )
          modelMismatch(
            transcript,
            `the model has no way to these answers; one by one it says ${JSON.stringify(says)}`,
          )
        }
        const arrived = inbox.slice(before).map(open)
        run.states = bindMails(explained, arrived)
        if (run.states.length === 0) {
          const sent = explained.map(state => state.sent.map(({ kind, to }) => `${kind} to ${to}`).join(', '))
          modelMismatch(
            transcript,
            `other mails than the model's: ${[...new Set(sent)].join(' or ') || 'none'}`,
          )
        }
        await compareRows()
        if (options.probing ?? true) await probe()
      },
      probeAll: () => probe(true),
    }
  }

  return { startRun, errors: log }
}

function declaredStatuses({ paths }: { paths: Record<string, Record<string, { responses: object }>> }) {
  const declared = new Map<string, Set<number>>()
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { responses }] of Object.entries(methods)) {
      declared.set(`${method.toUpperCase()} ${path}`, new Set(Object.keys(responses).map(Number)))
    }
  }
  return declared
}
