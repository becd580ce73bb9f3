// Real values for fuzzed requests: an account with every kind of pending token.
import { setTimeout as delay } from 'node:timers/promises'
import { createKey, SCOPES } from '../../src/operators/keys.ts'
import type { TestApp } from '../harness/app.ts'
import { codeIn } from '../harness/mailbox.ts'
import { BY_COMMAND_LINE, type Operators } from '../harness/operators.ts'
import type { ReceivedMail } from '../harness/smtp.ts'

/** Values by their placeholders. */
export type World = Record<string, string>

const password = 'correct horse battery staple'
let made = 0

/** Creates an account and requests every kind of token, link and code. */
export async function freshWorld({ app, smtp }: TestApp): Promise<World> {
  const name = `fuzz-${++made}`
  const [email, pending, other] = ['is', 'waits', 'changes'].map(part => `${name}-${part}@example.org`) as [
    string,
    string,
    string,
  ]
  const headers = { authorization: '' }
  const post = async (url: string, payload: object) =>
    (await app.inject({ method: 'POST', url, payload, headers })).json()
  // Emails of other requests arrive in between, so each is found by its recipient.
  const mail = (to: string, subject: RegExp) => arrived(smtp.mails, to, subject)
  await post('/register', { email, password })
  const token = tokenOf(await mail(email, /^Confirm/))
  const { accessToken, refreshToken } = await post('/confirm-email', { token, password })
  headers.authorization = `Bearer ${accessToken}`
  const [registration, reset, change, move] = await Promise.all([
    post('/register', { email: pending, password }),
    post('/password-reset/request', { email }),
    post('/password-change/request', { currentPassword: password }),
    post('/email-change/request', { currentPassword: password, newEmail: other }),
    post('/login', { email, password }),
  ])
  const resetMail = await mail(email, /^Reset/)
  const confirmMail = await mail(pending, /^Confirm/)
  const moveMail = await mail(other, /^Confirm/)
  const { sessions } = (await app.inject({ url: '/sessions', headers })).json()
  const { events } = (await app.inject({ url: '/me/events', headers })).json()
  const idOf = (current: boolean) => sessions.find((one: { current: boolean }) => one.current === current)?.id
  return {
    email,
    pending,
    other,
    password,
    access: accessToken,
    refresh: refreshToken,
    reset: tokenOf(resetMail),
    'reset-code': codeIn(resetMail),
    request: reset.requestToken,
    confirm: tokenOf(confirmMail),
    'confirm-code': codeIn(confirmMail),
    'confirm-request': registration.requestToken,
    change: change.changeToken,
    'change-code': codeIn(await mail(email, /code to change/)),
    'change-email': tokenOf(moveMail),
    'move-code': codeIn(moveMail),
    'move-request': move.requestToken,
    secure: tokenOf(await mail(email, /requested/)),
    user: (await app.inject({ url: '/me', headers })).json().id,
    session: idOf(true),
    'other-session': idOf(false),
    SESSION: idOf(true).toUpperCase(),
    event: events[0].id,
  }
}

/** The same with an API key of every scope, another key, and an email of the outbox. */
export async function operatorsWorld(service: TestApp, { ask }: Operators): Promise<World> {
  const world = await freshWorld(service)
  const newKey = () => createKey(service.app, { name: 'fuzz', scopes: SCOPES }, BY_COMMAND_LINE)
  const [key, other] = [await newKey(), await newKey()]
  const { mails } = (await ask('GET', '/mails?limit=1')).json()
  return { ...world, key: key.key, 'other-key': other.key, 'other-key-id': other.row.id, mail: mails[0].id }
}

async function arrived(mails: ReceivedMail[], to: string, subject: RegExp): Promise<ReceivedMail> {
  for (let waited = 0; waited < 20_000; waited += 5) {
    const mail = mails.findLast(mail => mail.to.includes(to) && subject.test(mail.subject))
    if (mail) return mail
    await delay(5)
  }
  throw new Error(`no mail to ${to} with ${subject} after 20 s`)
}

function tokenOf({ text, subject }: ReceivedMail): string {
  const token = /#token=(\S+)/.exec(text)?.[1]
  if (token === undefined) throw new Error(`no token in: ${subject}`)
  return token
}

/** Replaces placeholders by the real values. */
export function filled(text: string, world: World): string {
  return text.replace(/«([\w-]+)»/g, (whole, name: string) => world[name] ?? whole)
}
