/** GET /me/export: all data of an account (GDPR, articles 15 and 20). */
import { problem, problems } from '../errors.ts'
import { originOf } from '../http/origin.ts'
import type { App, Handler } from '../http/route-types.ts'
import { Export, exportOf } from './export-document.ts'

/** Seconds within which a repeated export adds no event. */
const REPEAT_SECONDS = 3600

export async function meExport(app: App) {
  app.route({
    method: 'GET',
    url: '/me/export',
    onRequest: app.limit('export'),
    schema: {
      operationId: 'exportAccount',
      summary: 'Export account data',
      description:
        'Returns all data of the account as one JSON document, at most five times an hour. The ' +
        'history records the export, at most once an hour per device and IP address.',
      tags: ['account'],
      response: { 200: Export, ...problems('unauthenticated') },
    },
    handler: exportAccount,
  })
}

const exportAccount: Handler = async function (request, reply) {
  const { userId, id } = request.session
  const now = this.clock()
  const { events, users } = this.database
  const since = new Date(now.getTime() - REPEAT_SECONDS * 1000)
  await events.recordOnce({ userId, kind: 'exported', at: now, origin: originOf(request) }, since)
  const user = await users.findById(userId)
  if (!user) throw problem('unauthenticated')
  request.securityEvent('sensitive_read', { account: userId, session: id }, '/me/export')
  reply.header('content-disposition', 'attachment; filename="account.json"')
  reply.type('application/json; charset=utf-8')
  return reply.send(await exportOf(this, user, id))
}
