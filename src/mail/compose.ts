// The account is looked up and the token minted at sending time: a link's lifetime starts then, and no row
// contains a secret.
import { pageLink } from '../config/links.ts'
import type { DeletedAccount } from '../database/queries/deletions.ts'
import { NOTICE_KINDS } from '../database/queries/deletions.ts'
import type { OutboxKind, OutboxRow } from '../database/queries/outbox.ts'
import { isUnusable, type User } from '../database/queries/users.ts'
import { boundParts, confirmable, type Fingerprinted, securable } from '../tokens/fingerprint.ts'
import type { MailRequests } from '../tokens/mail-requests.ts'
import { isCapped } from './caps.ts'
import type { MailDependencies } from './dependencies.ts'
import { type MailContext, type RenderedMail, renderMail } from './templates.ts'

/** Prefix of the error of an email that was not composed, because the mail server could not be reached. */
export const NOT_TRIED = 'not tried: '

type NoticeSubject = User | DeletedAccount

/**
 * Composes the email of a row.
 * @param newestRequest time of the newest request that the email serves
 * @returns undefined if there is nothing to send to the recipient
 */
export async function composeMail(
  app: MailDependencies,
  row: OutboxRow,
  newestRequest: Date,
): Promise<RenderedMail | undefined> {
  if (row.kind === 'farewell') return farewell(app, row)
  const user = await accountOf(app, row)
  const served = { mailId: row.id, newestRequest }
  if (row.kind === 'reset_request') await recordRequest(app, row, user)
  // Read for an account too, because one read less would show in the next response (timing side channel). Rendered
  // only without one: a second email would show too.
  const registration = user === undefined || isCapped(row) ? await registrationOf(app, row) : undefined
  if (user === undefined) return withoutAccount(app, row, registration, served)
  if (user.disabledAt) return undefined
  const to = contextOf(app, row.recipient, user.locale)
  switch (row.kind) {
    case 'registration':
      // A person who was invited becomes this account by registering too.
      return user.emailConfirmedAt === null && user.invitedAt !== null
        ? confirmAddress(app, to, user, served)
        : alreadyRegistered(app, to, row)
    case 'confirmation_resend':
      return user.emailConfirmedAt ? alreadyRegistered(app, to, row) : confirmAddress(app, to, user, served)
    case 'reset_request':
      return resetPassword(app, to, user, served)
    case 'account_secured':
      return renderMail(row.kind, { ...to, ...resetLink(app, user) })
    case 'reset_required':
      return isUnusable(user.passwordHash)
        ? renderMail(row.kind, { ...to, ...resetLink(app, user) })
        : undefined
    case 'invitation':
      return user.emailConfirmedAt === null
        ? renderMail(row.kind, { ...to, ...invitationLink(app, user) })
        : undefined
    case 'password_change_code':
      return changeCode(app, to, user, row)
    case 'email_change':
      return changeEmail(app, to, user, served)
    default:
      return notice(app, row, user)
  }
}

/** An email with a "this was not me" link, for the kinds that have one. */
async function notice(
  app: MailDependencies,
  row: OutboxRow,
  account: NoticeSubject,
): Promise<RenderedMail | undefined> {
  if (!NOTICE_KINDS.includes(row.kind)) return undefined
  const context = {
    ...contextOf(app, row.recipient, account.locale),
    at: row.createdAt,
    link: await secureLink(app, account, row.recipient, row.createdAt),
  }
  switch (row.kind) {
    case 'email_change_requested':
    case 'email_changed':
      return renderMail(row.kind, { ...context, newEmail: row.mentionedEmail ?? '' })
    case 'new_device':
      return renderMail(row.kind, { ...context, device: row.device, ip: row.ip })
    default:
      return renderMail('password_changed', context)
  }
}

/** Token input that no token matches. */
const decoySubject = ({ id, recipient }: OutboxRow): Fingerprinted => ({
  id,
  email: recipient,
  passwordHash: 'none',
})

/** Composes an email of the same cost for a recipient that gets none. It is never sent. */
export function composeDecoy(app: MailDependencies, row: OutboxRow): RenderedMail {
  const decoy = decoySubject(row)
  const to = contextOf(app, row.recipient, row.locale)
  const served = { mailId: row.id, newestRequest: row.createdAt }
  return row.kind === 'reset_request'
    ? resetPassword(app, to, decoy, served)
    : confirmAddress(app, to, decoy, served)
}

/** Links to the undo of the deletion if the recipient has a notice. */
async function farewell(app: MailDependencies, row: OutboxRow): Promise<RenderedMail> {
  const { database, clock, config } = app
  const to = contextOf(app, row.recipient, row.locale)
  const deleted = row.userId === null ? null : await database.deletions.find(row.userId, clock())
  const earlier = deleted && (await database.notices.find(deleted.id, row.recipient, clock()))
  if (!earlier) return renderMail('farewell', to)
  // The time of that notice, because the owner's notice must outrank an attacker's later ones.
  const link = await secureLink(app, deleted, row.recipient, earlier.noticeAt)
  return renderMail('account_deleted', { ...to, at: row.createdAt, link, validFor: config.SECURE_TOKEN_TTL })
}

/** By id if the row has one, because the recipient may be an old or a new email. */
async function accountOf(app: MailDependencies, row: OutboxRow): Promise<User | undefined> {
  const { users } = app.database
  const user = await (row.userId === null ? users.findByEmail(row.recipient) : users.findById(row.userId))
  return user ?? undefined
}

/** Without an account, these kinds send a confirmation link instead. */
const SIGN_IN_KINDS: OutboxKind[] = ['registration', 'confirmation_resend', 'reset_request']

interface WaitingRegistration {
  subject: Fingerprinted
  locale: string | null
}

/** The registration that waits for the recipient, extended until a link that is sent now expires. */
async function registrationOf(
  app: MailDependencies,
  row: OutboxRow,
): Promise<WaitingRegistration | undefined> {
  if (!SIGN_IN_KINDS.includes(row.kind)) return undefined
  const { registrations } = app.database
  const registration = await registrations.findByEmail(row.recipient, app.clock())
  if (registration === null) return legacyRegistrationOf(app, row)
  await registrations.extendUntil(registration.id, expiryOfConfirmation(app))
  return { subject: confirmable(registration), locale: registration.locale }
}

async function legacyRegistrationOf(
  app: MailDependencies,
  row: OutboxRow,
): Promise<WaitingRegistration | undefined> {
  const { legacyRegistrations: legacy } = app.database
  const registration =
    row.registrationId === null
      ? await legacy.newestFor(row.recipient, app.clock())
      : await legacy.findById(row.registrationId)
  if (registration === null) return undefined
  await legacy.extendUntil(registration.id, expiryOfConfirmation(app))
  return { subject: registration, locale: registration.locale }
}

/** Returns a confirmation email if a registration is waiting, or the notice of a deleted account. */
async function withoutAccount(
  app: MailDependencies,
  row: OutboxRow,
  registration: WaitingRegistration | undefined,
  served: Served,
): Promise<RenderedMail | undefined> {
  if (row.userId !== null && NOTICE_KINDS.includes(row.kind)) {
    const deleted = await app.database.deletions.find(row.userId, app.clock())
    return deleted ? notice(app, row, deleted) : undefined
  }
  if (registration === undefined) return undefined
  // The reset page does not accept a confirmation code.
  const codeFor = row.kind === 'reset_request' ? undefined : served
  return confirmAddress(
    app,
    contextOf(app, row.recipient, registration.locale),
    registration.subject,
    codeFor,
  )
}

function expiryOfConfirmation(app: MailDependencies): Date {
  return new Date(app.clock().getTime() + app.config.CONFIRM_TOKEN_TTL * 1000)
}

function confirmAddress(
  app: MailDependencies,
  to: MailContext,
  subject: Fingerprinted,
  codeFor: Served | undefined,
) {
  const { confirm, confirmRequest } = app.tokens
  const { token } = confirm.mint(subject, { email: subject.email })
  const link = pageLink(app.config, 'confirmEmail', token)
  const code = codeFor && codeOf(app, confirmRequest, subject, codeFor)
  return renderMail('confirm_address', { ...to, link, ...code, validFor: app.config.CONFIRM_TOKEN_TTL })
}

/** The requests that an email serves. */
interface Served {
  /** Id of the row from which the code is derived. */
  mailId: string
  newestRequest: Date
}

// Codes expire with the token of the newest request. An email may be sent late, without a valid code.
function codeOf<Claims>(
  app: MailDependencies,
  requests: MailRequests<Claims>,
  subject: Fingerprinted,
  { mailId, newestRequest }: Served,
): { code: string } | undefined {
  const isValid = requests.expiryOf(newestRequest) > app.clock()
  return isValid ? { code: requests.codes.make(mailId, ...boundParts(subject)) } : undefined
}

function alreadyRegistered(app: MailDependencies, to: MailContext, row: OutboxRow) {
  // This email is rendered faster than the one for an unconfirmed account, so that one is rendered too.
  composeDecoy(app, row)
  return renderMail('already_registered', { ...to, link: pageLink(app.config, 'forgotPassword') })
}

function resetLink(app: MailDependencies, user: Fingerprinted) {
  const { token } = app.tokens.reset.mint(user, {})
  return {
    link: pageLink(app.config, 'resetPassword', token),
    validFor: app.config.RESET_TOKEN_TTL,
  }
}

function invitationLink(app: MailDependencies, user: Fingerprinted) {
  const { token } = app.tokens.invitation.mint(user, { email: user.email })
  return {
    link: pageLink(app.config, 'acceptInvitation', token),
    validFor: app.config.INVITATION_TOKEN_TTL,
  }
}

function resetPassword(app: MailDependencies, to: MailContext, user: Fingerprinted, served: Served) {
  const code = codeOf(app, app.tokens.resetRequest, user, served)
  return renderMail('reset_password', { ...to, ...resetLink(app, user), ...code })
}

// Written for every recipient, because on SQLite a write delays the next response. Without an account it is
// deleted again.
function recordRequest(app: MailDependencies, row: OutboxRow, user: User | undefined) {
  // A retry was already recorded, unless the connection failed before the account was looked up.
  if (row.attempts > 1 && !row.lastError?.startsWith(NOT_TRIED)) return undefined
  const { ip, device, requestId } = row
  const userId = user && !user.disabledAt ? user.id : null
  const event = { userId, kind: 'reset_requested' as const, at: row.createdAt }
  return app.database.events.recordInEqualTime({ ...event, origin: { ip, device, requestId } })
}

function changeCode(app: MailDependencies, to: MailContext, user: User, row: OutboxRow) {
  const { CHANGE_CODE_TTL } = app.config
  const age = ageOf(app, row)
  // The code has expired; the person has requested another one.
  if (row.challengeId === null || age >= CHANGE_CODE_TTL) return undefined
  return renderMail('password_change_code', {
    ...to,
    code: app.tokens.changeCode.make(row.challengeId, ...boundParts(user)),
    validFor: Math.ceil(CHANGE_CODE_TTL - age),
  })
}

function ageOf(app: MailDependencies, row: OutboxRow): number {
  return (app.clock().getTime() - row.createdAt.getTime()) / 1000
}

async function changeEmail(app: MailDependencies, to: MailContext, user: User, served: Served) {
  // The email is taken: its owner requested nothing.
  if (await app.database.users.findByEmail(to.to)) return undefined
  const { token } = app.tokens.changeEmail.mint(user, { email: to.to })
  const link = pageLink(app.config, 'changeEmail', token)
  const code = codeOf(app, app.tokens.changeEmailRequest, user, served)
  return renderMail('change_email', { ...to, link, ...code, validFor: app.config.CONFIRM_TOKEN_TTL })
}

/** Records the link, so that a deletion can be undone while it is valid. */
async function secureLink(
  app: MailDependencies,
  account: NoticeSubject,
  recipient: string,
  noticeAt: Date,
): Promise<string> {
  const { database, tokens } = app
  const { token, expiresAt } = tokens.secure.mint(securable(account, recipient), {
    notice: noticeAt.getTime(),
  })
  await database.notices.record({ userId: account.id, recipient, noticeAt, expiresAt }, app.clock())
  if ('expiresAt' in account) await database.deletions.extendUntil(account.id, expiresAt)
  return pageLink(app.config, 'secure', token)
}

function contextOf(app: MailDependencies, to: string, locale: string | null): MailContext {
  return { to, locale, service: app.config.SERVICE_NAME }
}
