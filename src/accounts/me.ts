/** GET, PATCH and DELETE /me. */
import Type from 'typebox'
import { BODY_PROBLEMS, problem, problems } from '../errors.ts'
import { originOf } from '../http/origin.ts'
import type { App, Handler } from '../http/route-types.ts'
import { canonicalLocale, Locale } from '../messages/locale.ts'
import { reauthenticate } from '../passwords/check.ts'
import { Password } from '../passwords/policy.ts'
import { deleteAccount } from './deletion.ts'
import { type PublicUser, publicUser, userResponse } from './public-user.ts'

const PatchBody = Type.Object(
  { locale: Type.Union([Locale, Type.Null()], { description: 'null: the default language' }) },
  { additionalProperties: false, examples: [{ locale: 'hr' }] },
)
const DeleteBody = Type.Object(
  { currentPassword: Password },
  { additionalProperties: false, examples: [{ currentPassword: 'correct horse battery staple' }] },
)

export async function me(app: App) {
  app.route({
    method: 'GET',
    url: '/me',
    schema: {
      operationId: 'me',
      summary: 'Get the account',
      description: 'Returns the account of the access token.',
      tags: ['account'],
      response: { 200: userResponse('The account'), ...problems('unauthenticated') },
    },
    handler: whoAmI,
  })

  app.route({
    method: 'PATCH',
    url: '/me',
    schema: {
      operationId: 'updateMe',
      summary: 'Set the language of emails',
      description:
        'Emails are available in English, German, French, Spanish and Croatian. Any other language ' +
        'gets English.',
      tags: ['account'],
      body: PatchBody,
      response: {
        200: userResponse('The account'),
        ...problems(...BODY_PROBLEMS, 'unauthenticated'),
      },
    },
    handler: update,
  })

  app.route({
    method: 'DELETE',
    url: '/me',
    config: { hashes: true },
    onRequest: app.limit('login'),
    schema: {
      operationId: 'deleteMe',
      summary: 'Delete the account',
      description:
        'Deletes the account and its sessions at once, and confirms it by email. The email can ' +
        'register again. "This was not me" in an earlier notice undoes the deletion while its link ' +
        'is valid. After that, or at once if there is no such link, the history becomes anonymous.',
      tags: ['account'],
      body: DeleteBody,
      response: {
        204: Type.Null({ description: 'The account is deleted' }),
        ...problems(...BODY_PROBLEMS, 'unauthenticated', 'invalid_password'),
      },
    },
    handler: leave,
  })
}

const whoAmI: Handler<object, PublicUser> = async request => publicUser(request.account)

const update: Handler<{ body: typeof PatchBody }, PublicUser> = async function (request) {
  const locale = canonicalLocale(request.body.locale ?? undefined)
  const user = await this.database.users.setLocale(request.session.userId, locale)
  if (!user) throw problem('unauthenticated')
  request.securityEvent('user_updated', { account: user.id, session: request.session.id }, 'locale')
  return publicUser(user)
}

const leave: Handler<{ body: typeof DeleteBody }> = async function (request, reply) {
  const user = await reauthenticate(this, request, request.body.currentPassword)
  // The account changed while the password was verified.
  if (!(await deleteAccount(this, user, originOf(request)))) throw problem('unauthenticated')
  this.mail.wake()
  request.securityEvent('user_deleted', { account: user.id, session: request.session.id })
  return reply.code(204).send()
}
