/** Listing, retrying and cancelling emails, for the operators' API and the command line. */
import type { By } from '../database/queries/events.ts'
import type { MailFilter, MailPlace, MailRow, Mails } from '../database/queries/mails.ts'
import { problem } from '../errors.ts'

/** Dependencies of these functions. */
export interface MailNeeds {
  database: { mails: Mails }
  clock: () => Date
}

/** Start of a page: the previous email, whose time is in milliseconds since 1970; 14 digits reach the year 5138. */
export const CURSOR = '^[0-9]{1,14}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'

/**
 * A page of mails: the newest first. Those of a state that waits, to any recipient, are in the order of their next
 * attempt.
 *
 * @param cursor `nextCursor` of the previous page
 */
export async function listMails(
  { database: { mails } }: MailNeeds,
  filter: MailFilter,
  cursor: string | undefined,
  limit: number,
): Promise<{ mails: MailRow[]; nextCursor: string | null }> {
  // One more than requested shows whether there is another page.
  const rows = await mails.list(filter, cursor === undefined ? undefined : placeIn(cursor), limit + 1)
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  if (rows.length <= limit || last === undefined) return { mails: page, nextCursor: null }
  const { at, id } = mails.placeOf(last, filter)
  return { mails: page, nextCursor: `${at.getTime()}-${id}` }
}

function placeIn(cursor: string): MailPlace {
  const [, at = '', id = ''] = /^(\d+)-(.+)$/.exec(cursor) ?? []
  return { at: new Date(Number(at)), id }
}

/** @throws {ProblemError} `not_found` */
export async function findMail({ database: { mails } }: MailNeeds, id: string): Promise<MailRow> {
  const mail = await mails.find(id)
  if (mail === undefined)
    throw problem('not_found', { detail: 'There is no such email; sent ones are kept for a while.' })
  return mail
}

/**
 * Makes an email due now. A dead letter and a cancelled email get all their attempts again.
 *
 * @throws {ProblemError} `not_found`, or `mail_not_changeable` if the email is finished or is being sent
 */
export const retryMail = (needs: MailNeeds, id: string, by: By) => change(needs, 'retry', id, by)

/**
 * Cancels a waiting email, and the requests that it would serve.
 *
 * @throws {ProblemError} `not_found`, or `mail_not_changeable` if the email does not wait or is being sent
 */
export const cancelMail = (needs: MailNeeds, id: string, by: By) => change(needs, 'cancel', id, by)

async function change(needs: MailNeeds, how: 'retry' | 'cancel', id: string, by: By): Promise<MailRow> {
  const now = needs.clock()
  const isChanged = await needs.database.mails[how]({ id, now, by })
  const mail = await findMail(needs, id)
  if (!isChanged) throw problem('mail_not_changeable', { detail: reasonOf(mail, now) })
  return mail
}

/** Whether a worker is sending the email. */
export const isInProgress = ({ state, leasedUntil }: MailRow, now: Date) =>
  state === 'queued' && leasedUntil !== null && leasedUntil > now

function reasonOf(mail: MailRow, now: Date): string {
  if (isInProgress(mail, now)) return 'The email is being sent at this moment. Look again in a minute.'
  switch (mail.state) {
    case 'sent':
      return 'The email was sent. If it did not arrive, look at the mail server and at the spam folder.'
    case 'joined':
      return `Another email serves this request: ${mail.mailId}.`
    case 'dropped':
      return 'There was nothing to send: the account or the request no longer exists, or the email waited too long.'
    case 'dead':
      return 'The email is a dead letter: it is sent only if you retry it.'
    case 'cancelled':
      return 'The email is cancelled already.'
    default:
      return 'Somebody changed the email at the same moment. Look at it again.'
  }
}
