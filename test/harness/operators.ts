/** The operators' API for one test. */
import type { FastifyInstance } from 'fastify'
import type { Response } from 'light-my-request'
import { buildOperatorApp } from '../../src/operators/app.ts'
import { createKey, SCOPES, type Scope } from '../../src/operators/keys.ts'
import { inviteUser } from '../../src/operators/users.ts'
import type { TestApp } from './app.ts'
import type { Teardown } from './database.ts'
import { withMails } from './mailbox.ts'
import type { Rows } from './rows.ts'
import type { ReceivedMail } from './smtp.ts'

export interface Operators {
  app: FastifyInstance
  /** Creates a key as the command line does, and returns it. */
  keyWith(...scopes: Scope[]): Promise<string>
  /** Sends a request with the given key, or with one that has every scope. */
  ask(method: Method, url: string, payload?: object, key?: string): Promise<Response>
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Origin of events that the command line causes. */
export const BY_COMMAND_LINE = { actor: 'cli', origin: { ip: null, device: null, requestId: null } } as const

/** Builds the operators' app over that of a test; it closes when the test ends. */
export async function startOperators(
  t: Teardown,
  { app: service }: Pick<TestApp, 'app'>,
): Promise<Operators> {
  const app = await buildOperatorApp(service)
  t.teardown(() => app.close())
  await app.ready()
  const keyWith = async (...scopes: Scope[]) =>
    (await createKey(service, { name: 'a test', scopes }, BY_COMMAND_LINE)).key
  let everything: string | undefined
  return {
    app,
    keyWith,
    async ask(method, url, payload, key) {
      everything ??= await keyWith(...SCOPES)
      const headers = { authorization: `Bearer ${key ?? everything}` }
      return app.inject({ method, url, headers, ...(payload && { payload }) })
    },
  }
}

/** Invites an email as the command line does, and returns the invitation. */
export async function invitationTo(
  service: TestApp,
  rows: Pick<Rows, 'settled'>,
  email: string,
): Promise<ReceivedMail | undefined> {
  const { mails } = await withMails(service, rows, async () => {
    await inviteUser(service.app, { email, locale: null, roles: [], claims: {} }, BY_COMMAND_LINE)
    service.app.mail.wake()
  })
  return mails[0]
}
