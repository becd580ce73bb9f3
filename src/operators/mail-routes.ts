/** GET /mails, GET /mails/{id}, POST /mails/{id}/retry and POST /mails/{id}/cancel: the emails of the outbox. */
import Type, { type Static } from 'typebox'
import { problems } from '../errors.ts'
import { pageLimit, readLimit } from '../http/page-limit.ts'
import type { App, Handler } from '../http/route-types.ts'
import { orNull } from '../http/schemas.ts'
import { canonicalEmail, Email } from '../shared/email-address.ts'
import { byKey } from './authenticate.ts'
import { CURSOR, cancelMail, findMail, listMails, retryMail } from './mails.ts'
import { EXAMPLE, PublicMail, publicMail, State } from './public-mail.ts'
import { idOf, REFUSED } from './schemas.ts'

const DEFAULT_LIMIT = 50
const MOST = 1000

const Cursor = Type.String({ pattern: CURSOR, maxLength: 64 })

const Query = Type.Object(
  {
    state: Type.Optional(State),
    recipient: Type.Optional(Email),
    limit: pageLimit('emails', DEFAULT_LIMIT, MOST),
    cursor: Type.Optional(
      Type.String({ pattern: CURSOR, maxLength: 64, description: '`nextCursor` of the previous page' }),
    ),
  },
  { additionalProperties: false },
)

const Page = Type.Object(
  {
    mails: Type.Array(PublicMail, { maxItems: MOST }),
    nextCursor: orNull(Cursor),
  },
  { additionalProperties: false, description: 'A page', examples: [{ mails: [EXAMPLE], nextCursor: null }] },
)

const One = Type.Object(PublicMail.properties, { ...PublicMail, examples: [EXAMPLE] })

const Params = idOf('the email')

const FAULTS = ['validation_failed', ...REFUSED] as const

export async function mailRoutes(app: App) {
  app.route({
    method: 'GET',
    url: '/mails',
    config: { scope: 'mails:read' },
    preValidation: readLimit,
    schema: {
      operationId: 'listMails',
      summary: 'List emails',
      description:
        'Newest first; with `state=queued` or `joined` and no `recipient`, in the order of their next attempt. Sent ' +
        'emails are kept for a week (`MAIL_RETENTION`), dead letters for 30 days (`DEAD_MAIL_RETENTION`).',
      tags: ['mails'],
      querystring: Query,
      response: { 200: Page, ...problems(...FAULTS) },
    },
    handler: list,
  })

  app.route({
    method: 'GET',
    url: '/mails/:id',
    config: { scope: 'mails:read' },
    schema: {
      operationId: 'getMail',
      summary: 'Get an email',
      description:
        'Its state, attempts and last error. No content: links and codes are created when it is sent.',
      tags: ['mails'],
      params: Params,
      response: { 200: One, ...problems(...FAULTS, 'not_found') },
    },
    handler: get,
  })

  app.route({
    method: 'POST',
    url: '/mails/:id/retry',
    config: { scope: 'mails:write' },
    schema: {
      operationId: 'retryMail',
      summary: 'Send an email now',
      description:
        'Makes a queued email due at once. A dead letter or a cancelled email is queued again with all its attempts.',
      tags: ['mails'],
      params: Params,
      response: { 200: One, ...problems(...FAULTS, 'not_found', 'mail_not_changeable') },
    },
    handler: retry,
  })

  app.route({
    method: 'POST',
    url: '/mails/:id/cancel',
    config: { scope: 'mails:write' },
    schema: {
      operationId: 'cancelMail',
      summary: 'Cancel an email',
      description: 'Cancels a queued email and the requests that it would serve, unless it is being sent.',
      tags: ['mails'],
      params: Params,
      response: { 200: One, ...problems(...FAULTS, 'not_found', 'mail_not_changeable') },
    },
    handler: cancel,
  })
}

const list: Handler<{ querystring: typeof Query }, Static<typeof Page>> = async function (request) {
  const { state, recipient, cursor, limit = DEFAULT_LIMIT } = request.query
  const filter = {
    state,
    recipient: recipient === undefined ? undefined : canonicalEmail(recipient, '/recipient'),
  }
  const { mails, nextCursor } = await listMails(this, filter, cursor, limit)
  return { mails: mails.map(mail => publicMail(mail, this.clock())), nextCursor }
}

const get: Handler<{ params: typeof Params }, PublicMail> = async function (request) {
  return publicMail(await findMail(this, request.params.id), this.clock())
}

const retry: Handler<{ params: typeof Params }, PublicMail> = async function (request) {
  const mail = await retryMail(this, request.params.id, byKey(request))
  this.mail.wake()
  request.securityEvent('authz_admin', request.subject ?? {}, 'mail_retried')
  return publicMail(mail, this.clock())
}

const cancel: Handler<{ params: typeof Params }, PublicMail> = async function (request) {
  const mail = await cancelMail(this, request.params.id, byKey(request))
  request.securityEvent('authz_admin', request.subject ?? {}, 'mail_cancelled')
  return publicMail(mail, this.clock())
}
