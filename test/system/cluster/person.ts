/** A client of the service behind the balancer, with a network address of its own. */
import { randomInt } from 'node:crypto'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { tokenIn } from '../../harness/app.ts'
import type { Teardown } from '../../harness/database.ts'
import type { ReceivedMail } from '../../harness/smtp.ts'
import type { Cluster } from './cluster.ts'

export interface Answer {
  /** 0 without a response. */
  status: number
  headers: IncomingHttpHeaders
  // biome-ignore lint/suspicious/noExplicitAny: a parsed response, whose form the test asserts
  body: any
  /** Instances that were tried, the one that responded last. */
  upstream: string[]
}

export interface Call {
  body?: object
  /** Access token. */
  bearer?: string
  headers?: Record<string, string>
}

export interface Person {
  get(path: string, call?: Call): Promise<Answer>
  post(path: string, body: object, call?: Call): Promise<Answer>
  delete(path: string, call?: Call): Promise<Answer>
}

const LONGEST_ANSWER_MS = 40_000

/**
 * A client with one kept-alive connection per parallel call. All of 127.0.0.0/8 is this machine, so each client has
 * an address whose limits nothing else uses up, in this run or another one.
 */
export function newPerson(t: Teardown, { balancer }: Pick<Cluster, 'balancer'>): Person {
  const octet = () => randomInt(1, 255)
  const agent = new Agent({ keepAlive: true })
  const localAddress = `127.${octet()}.${octet()}.${octet()}`
  t.teardown(() => agent.destroy())

  const send = (method: string, path: string, { body, bearer, headers }: Call = {}) =>
    new Promise<Answer>(resolve => {
      const payload = body && JSON.stringify(body)
      const outgoing = request(
        balancer.url + path,
        {
          method,
          agent,
          localAddress,
          timeout: LONGEST_ANSWER_MS,
          headers: {
            ...(payload && {
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(payload),
            }),
            ...(bearer && { authorization: `Bearer ${bearer}` }),
            ...headers,
          },
        },
        incoming => {
          let text = ''
          incoming.setEncoding('utf8')
          incoming.on('data', chunk => {
            text += chunk
          })
          incoming.on('error', failed)
          incoming.on('end', () =>
            resolve({
              status: incoming.statusCode ?? 0,
              headers: incoming.headers,
              body: text === '' ? undefined : JSON.parse(text),
              upstream: String(incoming.headers['x-upstream'] ?? '').split(', '),
            }),
          )
        },
      )
      const failed = (error: Error) =>
        resolve({ status: 0, headers: {}, body: { failed: error.message }, upstream: [] })
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')))
      outgoing.on('error', failed)
      outgoing.end(payload)
    })

  return {
    get: (path, call) => send('GET', path, call),
    post: (path, body, call) => send('POST', path, { ...call, body }),
    delete: (path, call) => send('DELETE', path, call),
  }
}

/**
 * Repeats a call until every instance has responded to it. The balancer alternates, with probes in between, so the
 * number of calls varies.
 */
export async function atEach(
  { instances }: Pick<Cluster, 'instances'>,
  call: () => Promise<Answer>,
): Promise<Answer[]> {
  const missing = new Set(instances.map(({ address }) => address))
  const answers: Answer[] = []
  while (missing.size > 0 && answers.length < 30) {
    const answer = await call()
    answers.push(answer)
    missing.delete(answer.upstream.at(-1) ?? '')
  }
  if (missing.size > 0) throw new Error(`no answer of ${[...missing].join(', ')}`)
  return answers
}

/**
 * Waits for an email.
 *
 * @throws Error after 20 s
 */
export async function mailFor(
  { smtp }: Pick<Cluster, 'smtp'>,
  email: string,
  subject: RegExp,
): Promise<ReceivedMail> {
  const began = performance.now()
  for (;;) {
    const mail = smtp.mails.findLast(({ to, subject: text }) => to.includes(email) && subject.test(text))
    if (mail) return mail
    const left = 20_000 - (performance.now() - began)
    if (left <= 0) throw new Error(`no mail to ${email} with a subject like ${subject}`)
    await smtp.waitForMails(smtp.mails.length + 1, left).catch(() => {})
  }
}

export interface Account {
  email: string
  password: string
  accessToken: string
  refreshToken: string
}

export const PASSWORD = 'correct horse battery staple'

/** An account that was registered and confirmed through the balancer. */
export async function newAccount(
  person: Person,
  cluster: Pick<Cluster, 'smtp'>,
  email: string,
): Promise<Account> {
  const registered = await person.post('/register', { email })
  if (registered.status !== 202) throw new Error(`registering failed: ${JSON.stringify(registered.body)}`)
  const token = tokenIn(await mailFor(cluster, email, /confirm/i))
  const confirmed = await person.post('/confirm-email', { token, password: PASSWORD })
  if (confirmed.status !== 200) throw new Error(`confirming failed: ${JSON.stringify(confirmed.body)}`)
  return { email, password: PASSWORD, ...confirmed.body }
}
