/** Builds the app: Fastify's options and the plugins in the order of their registration. */
import Fastify, { type FastifyInstance } from 'fastify'
import { pages } from '../web/server/pages.ts'
import { accountSecure } from './accounts/account-secure.ts'
import { confirmEmail, confirmEmailResend } from './accounts/confirm-email.ts'
import { emailChangeConfirm, emailChangeRequest } from './accounts/email-change.ts'
import { invitation } from './accounts/invitation.ts'
import { me } from './accounts/me.ts'
import { meEvents } from './accounts/me-events.ts'
import { meExport } from './accounts/me-export.ts'
import { passwordChange } from './accounts/password-change.ts'
import { passwordReset } from './accounts/password-reset.ts'
import { register } from './accounts/register.ts'
import type { Config } from './config/config.ts'
import counters from './counters/counters.ts'
import database from './database/index.ts'
import csrf from './http/csrf.ts'
import health from './http/health.ts'
import openapi, { publicDocument } from './http/openapi.ts'
import { logging } from './http/request-log.ts'
import { escapeMalformed, pathStripper } from './http/request-target.ts'
import { listenerOptions, registerStack } from './http/stack.ts'
import wellKnown from './http/well-known.ts'
import housekeeping, { type HousekeepingOptions } from './jobs/housekeeping.ts'
import mail, { type MailOptions } from './mail/mail.ts'
import guessBackoff from './passwords/guess-backoff.ts'
import passwords, { type PasswordsOptions } from './passwords/passwords.ts'
import recordedRefusals from './passwords/recorded-refusals.ts'
import authenticate from './sessions/authenticate.ts'
import { login } from './sessions/login.ts'
import { logout } from './sessions/logout.ts'
import { publishedKeys } from './sessions/published-keys.ts'
import refreshCookie from './sessions/refresh-cookie.ts'
import { sessions } from './sessions/sessions.ts'
import { tokenRefresh } from './sessions/token-refresh.ts'
import { VERSION } from './shared/version.ts'
import tokens from './tokens/tokens.ts'

/** Dependencies that tests replace. */
export interface Overrides {
  clock?: () => Date
  uptime?: () => number
  mail?: MailOptions
  passwords?: PasswordsOptions
  housekeeping?: HousekeepingOptions
  /** Receives log lines; standard output by default. */
  logStream?: { write(line: string): void }
}

/**
 * Builds the service without listening. Throws if the database, the keys or the mail transport cannot be set
 * up.
 */
export async function buildApp(config: Config, overrides: Overrides = {}): Promise<FastifyInstance> {
  const paths = pathStripper(config.APP_URL)
  const app = Fastify({
    logger: logging(config, overrides.logStream),
    ...listenerOptions(config),
    rewriteUrl: request => paths.strip(escapeMalformed(request)),
  })
  app.log.info({ version: VERSION, node: process.versions.node }, 'starting')
  app.decorate('config', config)
  app.decorate('clock', overrides.clock ?? (() => new Date()))
  app.decorate('uptime', overrides.uptime ?? (() => performance.now()))

  app.addHook('onRoute', paths.note)
  await registerStack(app, {
    counters,
    cors: true,
    limitsEverything: true,
    onOutage: error => app.database.outage.failed(error),
  })
  await app.register(csrf)
  await app.register(openapi, publicDocument(config))

  await app.register(database)
  await app.register(tokens)
  await app.register(refreshCookie)
  await app.register(passwords, overrides.passwords ?? {})
  await app.register(guessBackoff)
  await app.register(recordedRefusals)
  await app.register(mail, overrides.mail ?? {})
  await app.register(authenticate)
  // These hooks run in reverse order: jobs settle before the database and the counters close.
  app.addHook('onClose', app.jobsSettled)
  await app.register(housekeeping, overrides.housekeeping ?? {})
  await app.register(health)
  await app.register(wellKnown)
  await app.register(pages)

  for (const flow of [
    register,
    confirmEmail,
    invitation,
    confirmEmailResend,
    login,
    tokenRefresh,
    publishedKeys,
    passwordReset,
    emailChangeConfirm,
    accountSecure,
  ]) {
    await app.register(flow)
  }

  await app.register(async scope => {
    scope.addHook('onRequest', app.authenticate)
    scope.addHook('onRoute', route => {
      route.schema = { ...route.schema, security: [{ bearer: [] }] }
    })
    for (const flow of [logout, me, meEvents, meExport, sessions, passwordChange, emailChangeRequest]) {
      await scope.register(flow)
    }
  })

  return app
}
