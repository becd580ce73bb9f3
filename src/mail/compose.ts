/**
 * From a row of the outbox to the mail it becomes. Only here an account is looked up and a token or code
 * minted, at the moment of sending: the life of a link starts then, and no row ever holds a secret.
 */
import { pageLink } from '../config/links.ts'
import type { DeletedAccount } from '../database/queries/deletions.ts'
import { NOTICE_KINDS } from '../database/queries/deletions.ts'
import type { OutboxKind, OutboxRow } from '../database/queries/outbox.ts'
import type { User } from '../database/queries/users.ts'
import { boundParts, confirmable, type Fingerprinted, securable } from '../tokens/fingerprint.ts'
import type { MailRequests } from '../tokens/mail-requests.ts'
import { isCapped } from './caps.ts'
import type { MailNeeds } from './needs.ts'
import { type MailContext, type RenderedMail, renderMail } from './templates.ts'

/** Whom a notice is about: an account, or what is left of one that was deleted. */
type Noticed = User | DeletedAccount

/**
 * Writes the mail of a row.
 *
 * @param newestRequest when the last of the requests was made that the mail serves
 * @returns the mail, or undefined where there is nothing to say to that address (any more)
 */
export async function composeMail(
  app: MailNeeds,
  row: OutboxRow,
  newestRequest: Date,
): Promise<RenderedMail | undefined> {
  if (row.kind === 'farewell') return farewell(app, row)
  const user = await accountOf(app, row)
  const served = { mailId: row.id, newestRequest }
  if (row.kind === 'reset_request') await recordRequest(app, row, user)
  // For an account too, of which nothing comes: a read more or less shows in the next response.
  const pending = user === undefined || isCapped(row) ? await withoutAccount(app, row, served) : undefined
  if (user === undefined) return pending
  if (user.disabledAt) return undefined
  const to = contextOf(app, row.recipient, user.locale)
  switch (row.kind) {
    case 'registration':
      return alreadyRegistered(app, to, row)
    case 'confirmation_resend':
      return user.emailConfirmedAt ? alreadyRegistered(app, to, row) : confirmAddress(app, to, user, served)
    case 'reset_request':
      return resetPassword(app, to, user, served)
    case 'account_secured':
      return renderMail(row.kind, { ...to, ...resetLink(app, user) })
    case 'password_change_code':
      return changeCode(app, to, user, row)
    case 'email_change':
      return changeEmail(app, to, user, served)
    default:
      return notice(app, row, user)
  }
}

/** A mail with a link that says "this was not me"; none for other kinds. */
async function notice(app: MailNeeds, row: OutboxRow, account: Noticed): Promise<RenderedMail | undefined> {
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

/** What no token can be redeemed for. */
const nobodyOf = ({ id, recipient }: OutboxRow): Fingerprinted => ({
  id,
  email: recipient,
  passwordHash: 'none',
})

/** The mail that an account would get, for an address that gets none: it speaks of nobody, and nobody gets it. */
export function composeDecoy(app: MailNeeds, row: OutboxRow): RenderedMail {
  const nobody = nobodyOf(row)
  const to = contextOf(app, row.recipient, row.locale)
  const served = { mailId: row.id, newestRequest: row.createdAt }
  return row.kind === 'reset_request'
    ? resetPassword(app, to, nobody, served)
    : confirmAddress(app, to, nobody, served)
}

/** With a link that undoes the deletion, where the recipient has a notice that could. */
async function farewell(app: MailNeeds, row: OutboxRow): Promise<RenderedMail> {
  const { database, clock, config } = app
  const to = contextOf(app, row.recipient, row.locale)
  const deleted = row.userId === null ? null : await database.deletions.find(row.userId, clock())
  const earlier = deleted && (await database.notices.find(deleted.id, row.recipient, clock()))
  if (!earlier) return renderMail('farewell', to)
  // As old as that notice: the owner's must outrank what whoever took the account over got meanwhile.
  const link = await secureLink(app, deleted, row.recipient, earlier.noticeAt)
  return renderMail('account_deleted', { ...to, at: row.createdAt, link, validFor: config.SECURE_TOKEN_TTL })
}

/** By id where the row has one: the recipient may be an old address, or a new one. */
async function accountOf(app: MailNeeds, row: OutboxRow): Promise<User | undefined> {
  const { users } = app.database
  const user = await (row.userId === null ? users.findByEmail(row.recipient) : users.findById(row.userId))
  return user ?? undefined
}

/** The kinds that lead somebody in. Without an account, confirming the address is what does. */
const LEAD_IN: OutboxKind[] = ['registration', 'confirmation_resend', 'reset_request']

/** The confirmation link, where the address was registered and is not confirmed; else nothing. */
async function withoutAccount(
  app: MailNeeds,
  row: OutboxRow,
  served: Served,
): Promise<RenderedMail | undefined> {
  if (row.userId !== null && NOTICE_KINDS.includes(row.kind)) {
    const deleted = await app.database.deletions.find(row.userId, app.clock())
    return deleted ? notice(app, row, deleted) : undefined
  }
  if (!LEAD_IN.includes(row.kind)) return undefined
  // The page of a reset takes no code for a confirmation.
  const codeFor = row.kind === 'reset_request' ? undefined : served
  const { registrations } = app.database
  const registration = await registrations.findByEmail(row.recipient, app.clock())
  if (registration === null) return forLegacyRegistration(app, row, codeFor)
  await registrations.extendUntil(registration.id, expiryOfConfirmation(app))
  const to = contextOf(app, row.recipient, registration.locale)
  return confirmAddress(app, to, confirmable(registration), codeFor)
}

/** The same for a registration that the release before filed. */
async function forLegacyRegistration(
  app: MailNeeds,
  row: OutboxRow,
  codeFor: Served | undefined,
): Promise<RenderedMail | undefined> {
  const { legacyRegistrations: legacy } = app.database
  const registration =
    row.registrationId === null
      ? await legacy.newestFor(row.recipient, app.clock())
      : await legacy.findById(row.registrationId)
  if (registration === null) return undefined
  await legacy.extendUntil(registration.id, expiryOfConfirmation(app))
  return confirmAddress(app, contextOf(app, row.recipient, registration.locale), registration, codeFor)
}

function expiryOfConfirmation(app: MailNeeds): Date {
  return new Date(app.clock().getTime() + app.config.CONFIRM_TOKEN_TTL * 1000)
}

function confirmAddress(
  app: MailNeeds,
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

/** The requests that a mail serves. */
interface Served {
  /** The row that the mail is of, by which its code is found. */
  mailId: string
  /** When the last of them was made. */
  newestRequest: Date
}

/** The code of a mail, as long as the token of a request lives that it goes with: a mail may leave late. */
function codeOf<Claims>(
  app: MailNeeds,
  requests: MailRequests<Claims>,
  subject: Fingerprinted,
  { mailId, newestRequest }: Served,
): { code: string } | undefined {
  const isAlive = requests.expiryOf(newestRequest) > app.clock()
  return isAlive ? { code: requests.codes.make(mailId, ...boundParts(subject)) } : undefined
}

function alreadyRegistered(app: MailNeeds, to: MailContext, row: OutboxRow) {
  // Costs what the mail for an unconfirmed address costs.
  const nobody = nobodyOf(row)
  app.tokens.confirm.mint(nobody, {})
  codeOf(app, app.tokens.confirmRequest, nobody, { mailId: row.id, newestRequest: row.createdAt })
  return renderMail('already_registered', { ...to, link: pageLink(app.config, 'forgotPassword') })
}

function resetLink(app: MailNeeds, user: Fingerprinted) {
  const { token } = app.tokens.reset.mint(user, {})
  return {
    link: pageLink(app.config, 'resetPassword', token),
    validFor: app.config.RESET_TOKEN_TTL,
  }
}

function resetPassword(app: MailNeeds, to: MailContext, user: Fingerprinted, served: Served) {
  const code = codeOf(app, app.tokens.resetRequest, user, served)
  return renderMail('reset_password', { ...to, ...resetLink(app, user), ...code })
}

/** For every address, because a write holds up the next response on SQLite. Without an account it is taken back. */
function recordRequest(app: MailNeeds, row: OutboxRow, user: User | undefined) {
  // A mail that is tried again was asked for once.
  if (row.attempts > 1) return undefined
  const { ip, device, requestId } = row
  const userId = user && !user.disabledAt ? user.id : null
  const event = { userId, kind: 'reset_requested' as const, at: row.createdAt }
  return app.database.events.recordInEqualTime({ ...event, origin: { ip, device, requestId } })
}

function changeCode(app: MailNeeds, to: MailContext, user: User, row: OutboxRow) {
  const { CHANGE_CODE_TTL } = app.config
  const age = ageOf(app, row)
  // The code is no good any longer; the person has asked again by now.
  if (row.challengeId === null || age >= CHANGE_CODE_TTL) return undefined
  return renderMail('password_change_code', {
    ...to,
    code: app.tokens.changeCode.make(row.challengeId, ...boundParts(user)),
    validFor: Math.ceil(CHANGE_CODE_TTL - age),
  })
}

/** Seconds since the mail was filed. */
function ageOf(app: MailNeeds, row: OutboxRow): number {
  return (app.clock().getTime() - row.createdAt.getTime()) / 1000
}

async function changeEmail(app: MailNeeds, to: MailContext, user: User, served: Served) {
  // An address that has an account gets nothing: nobody there asked for anything.
  if (await app.database.users.findByEmail(to.to)) return undefined
  const { token } = app.tokens.changeEmail.mint(user, { email: to.to })
  const link = pageLink(app.config, 'changeEmail', token)
  const code = codeOf(app, app.tokens.changeEmailRequest, user, served)
  return renderMail('change_email', { ...to, link, ...code, validFor: app.config.CONFIRM_TOKEN_TTL })
}

/** Records the link, so that a deletion of the account can be undone as long as it is good. */
async function secureLink(
  app: MailNeeds,
  account: Noticed,
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

function contextOf(app: MailNeeds, to: string, locale: string | null): MailContext {
  return { to, locale, service: app.config.SERVICE_NAME }
}
