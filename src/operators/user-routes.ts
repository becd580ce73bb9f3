/** /users: finding accounts, inviting people, and actions on an account. */
import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { Export } from '../accounts/export-document.ts'
import { BODY_PROBLEMS, type ProblemCode, problem, problems } from '../errors.ts'
import { pageLimit, readLimit } from '../http/page-limit.ts'
import type { App, Handler } from '../http/route-types.ts'
import { orNull, Time } from '../http/schemas.ts'
import { canonicalLocale, Locale } from '../messages/locale.ts'
import { OtherClaims, Roles } from '../shared/claims.ts'
import { canonicalEmail, Email } from '../shared/email-address.ts'
import { byKey } from './authenticate.ts'
import { scopesOf } from './keys.ts'
import { idOf, REFUSED } from './schemas.ts'
import {
  EXAMPLE,
  ManagedUser,
  ManagedUserDetails,
  managedUser,
  managedUserDetails,
  managedUserResponse,
  State,
} from './user-schemas.ts'
import * as domain from './users.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100

const Cursor = Type.String({ minLength: 1, maxLength: domain.MAX_CURSOR, pattern: domain.CURSOR })

const Query = Type.Object(
  {
    state: Type.Optional(
      Type.Enum([...State.enum], { type: 'string', description: 'only accounts in this state' }),
    ),
    emailPrefix: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 254,
        pattern: '^[^\\x00]+$',
        description: 'prefix of the email, or all of it',
      }),
    ),
    createdAfter: Type.Optional(Type.String({ ...Time, description: 'not created before' })),
    createdBefore: Type.Optional(Type.String({ ...Time, description: 'created before' })),
    limit: pageLimit('accounts', DEFAULT_LIMIT, MAX_LIMIT),
    cursor: Type.Optional(Type.String({ ...Cursor, description: '`nextCursor` of the previous page' })),
  },
  { additionalProperties: false },
)

const Page = Type.Object(
  { users: Type.Array(ManagedUser, { maxItems: MAX_LIMIT }), nextCursor: orNull(Cursor) },
  {
    additionalProperties: false,
    description: 'A page',
    examples: [{ users: [EXAMPLE], nextCursor: null }],
  },
)

const Params = idOf('the account')

const Invitation = Type.Object(
  {
    email: Email,
    locale: Type.Optional(Locale),
    roles: Type.Optional(Roles),
    claims: Type.Optional(OtherClaims),
  },
  { additionalProperties: false, examples: [{ email: 'ada@example.org', locale: 'en', roles: ['editor'] }] },
)

const ClaimsBody = Type.Object(
  { roles: Roles, claims: OtherClaims },
  { additionalProperties: false, examples: [{ roles: ['editor'], claims: { plan: 'pro' } }] },
)

const OF_ONE: ProblemCode[] = ['validation_failed', ...REFUSED, 'not_found']

/** An action on one account that returns the account. */
const ACTS = {
  disable: {
    act: domain.disableUser,
    summary: 'Disable an account',
    description:
      'Revokes its sessions, links and codes for good. No login, reset or refresh succeeds until it is enabled.',
  },
  enable: {
    act: domain.enableUser,
    summary: 'Enable an account',
    description:
      'The owner can log in and reset the password again. Revoked sessions and tokens stay revoked.',
  },
  'require-reset': {
    act: domain.requireReset,
    summary: 'Make the owner set a new password',
    description: 'The password becomes unusable, every session is revoked, and a reset link is emailed.',
  },
  unlock: {
    act: domain.unlockUser,
    summary: 'Lift the back-off on wrong passwords',
    description:
      'Resets the count of wrong passwords, in every process. The limit on refused logins of a network stays.',
  },
  invitation: {
    act: domain.inviteUserAgain,
    summary: 'Mail the invitation again',
    description: 'Emails another link to an account that was invited and has not accepted.',
  },
} as const

export async function userRoutes(app: App) {
  app.route({
    method: 'GET',
    url: '/users',
    config: { scope: 'users:read' },
    preValidation: readLimit,
    schema: {
      operationId: 'listUsers',
      summary: 'Find accounts',
      description: 'Page by page: the newest first, or in the order of their emails with `emailPrefix`.',
      tags: ['users'],
      querystring: Query,
      response: { 200: Page, ...problems('validation_failed', ...REFUSED) },
    },
    handler: list,
  })

  app.route({
    method: 'POST',
    url: '/users',
    config: { scope: 'users:write' },
    schema: {
      operationId: 'inviteUser',
      summary: 'Invite a person',
      description:
        'Creates an account without a password and emails a link that sets one, valid for 7 days. A person who registers the ' +
        'email meanwhile and confirms it becomes this account. Roles and claims need the scope `users:claims` too.',
      tags: ['users'],
      body: Invitation,
      response: {
        201: managedUserResponse('The account'),
        ...problems(...BODY_PROBLEMS, ...REFUSED, 'email_taken'),
      },
    },
    handler: invite,
  })

  app.route({
    method: 'GET',
    url: '/users/:id',
    config: { scope: 'users:read' },
    schema: {
      operationId: 'getUser',
      summary: 'Read an account',
      description: 'One account by its id, with its sessions and the last events.',
      tags: ['users'],
      params: Params,
      response: { 200: ManagedUserDetails, ...problems(...OF_ONE) },
    },
    handler: getOne,
  })

  for (const [name, { act, summary, description }] of Object.entries(ACTS)) {
    app.route({
      method: 'POST',
      url: `/users/:id/${name}`,
      config: { scope: 'users:write' },
      schema: {
        operationId: `${name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}User`,
        summary,
        description,
        tags: ['users'],
        params: Params,
        response: { 200: managedUserResponse('The account after it'), ...problems(...OF_ONE) },
      },
      handler: doing(name, act),
    })
  }

  app.route({
    method: 'PUT',
    url: '/users/:id/claims',
    config: { scope: 'users:claims' },
    schema: {
      operationId: 'setClaims',
      summary: 'Set roles and claims',
      description:
        'Replaces both. Access tokens carry `roles` (RFC 9068) and all other claims as `urn:latchkey:claims`, from the ' +
        'next refresh on; introspection and GET /me return them at once. Both together take 1 KiB at most, and the name of ' +
        'a registered claim is refused.',
      tags: ['users'],
      params: Params,
      body: ClaimsBody,
      response: {
        200: managedUserResponse('The account after it'),
        ...problems(...BODY_PROBLEMS, ...REFUSED, 'not_found'),
      },
    },
    handler: claim,
  })

  app.route({
    method: 'DELETE',
    url: '/users/:id/sessions',
    config: { scope: 'sessions:write' },
    schema: {
      operationId: 'endSessions',
      summary: 'Revoke all sessions',
      description: 'Logs the account out everywhere, at once. The password stays.',
      tags: ['users'],
      params: Params,
      response: { 204: Type.Null({ description: 'The sessions are revoked' }), ...problems(...OF_ONE) },
    },
    handler: endAll,
  })

  app.route({
    method: 'GET',
    url: '/users/:id/export',
    config: { scope: 'users:read' },
    schema: {
      operationId: 'exportUser',
      summary: 'Export account data',
      description:
        'All data of the account as one JSON document, as its owner exports it. The history records the export.',
      tags: ['users'],
      params: Params,
      response: { 200: Export, ...problems(...OF_ONE) },
    },
    handler: exportOne,
  })

  app.route({
    method: 'DELETE',
    url: '/users/:id',
    config: { scope: 'users:write' },
    schema: {
      operationId: 'deleteUser',
      summary: 'Delete an account',
      description:
        'As its owner can: the person gets a last email, and "This was not me" in a notice undoes it while its link is valid. ' +
        'To make it final, disable the account first.',
      tags: ['users'],
      params: Params,
      response: { 204: Type.Null({ description: 'The account is gone' }), ...problems(...OF_ONE) },
    },
    handler: remove,
  })
}

const list: Handler<{ querystring: typeof Query }, Static<typeof Page>> = async function (request) {
  const { state, emailPrefix, createdAfter, createdBefore, limit = DEFAULT_LIMIT, cursor } = request.query
  const filter = {
    state,
    emailPrefix,
    createdAfter: createdAfter === undefined ? undefined : new Date(createdAfter),
    createdBefore: createdBefore === undefined ? undefined : new Date(createdBefore),
  }
  const { users, nextCursor } = await domain.listUsers(this, filter, cursor, limit)
  return { users: users.map(managedUser), nextCursor }
}

const invite: Handler<{ body: typeof Invitation }> = async function (request, reply) {
  const { email, locale, roles = [], claims = {} } = request.body
  const hasClaims = roles.length > 0 || Object.keys(claims).length > 0
  if (hasClaims && !scopesOf(request.apiKey).includes('users:claims')) {
    throw problem('insufficient_scope', { detail: 'Roles and claims need the scope users:claims.' })
  }
  const person = { email: canonicalEmail(email), locale: canonicalLocale(locale), roles, claims }
  const user = await domain.inviteUser(this, person, byKey(request))
  this.mail.wake()
  noteAct(request, user.id, 'invited')
  return reply.code(201).send(managedUser(user))
}

const getOne: Handler<{ params: typeof Params }, ManagedUserDetails> = async function (request) {
  return managedUserDetails(await domain.detailsOf(this, await domain.getUser(this, request.params.id)))
}

function doing(
  name: string,
  act: (typeof ACTS)[keyof typeof ACTS]['act'],
): Handler<{ params: typeof Params }, ManagedUser> {
  return async function (request) {
    const user = await act(this, request.params.id, byKey(request))
    this.mail.wake()
    noteAct(request, user.id, name)
    return managedUser(user)
  }
}

const claim: Handler<{ params: typeof Params; body: typeof ClaimsBody }, ManagedUser> = async function (
  request,
) {
  const user = await domain.setClaims(this, request.params.id, request.body, byKey(request))
  noteAct(request, user.id, 'claims')
  return managedUser(user)
}

const endAll: Handler<{ params: typeof Params }> = async function (request, reply) {
  await domain.endSessions(this, request.params.id, byKey(request))
  noteAct(request, request.params.id, 'sessions')
  return reply.code(204).send()
}

const exportOne: Handler<{ params: typeof Params }> = async function (request, reply) {
  const { id } = request.params
  const document = await domain.exportUser(this, id, byKey(request))
  request.securityEvent('sensitive_read', { ...request.subject, account: id }, '/users/{id}/export')
  reply.header('content-disposition', 'attachment; filename="account.json"')
  return reply.type('application/json; charset=utf-8').send(document)
}

const remove: Handler<{ params: typeof Params }> = async function (request, reply) {
  await domain.deleteUser(this, request.params.id, byKey(request))
  this.mail.wake()
  noteAct(request, request.params.id, 'deleted')
  return reply.code(204).send()
}

/** Logs one line: which key did what to which account. */
function noteAct(request: Pick<FastifyRequest, 'securityEvent' | 'subject'>, account: string, what: string) {
  request.securityEvent('authz_admin', { ...request.subject, account }, what)
}
