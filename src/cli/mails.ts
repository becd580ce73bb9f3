/** Commands for emails. */
import type { MailFilter } from '../database/queries/mails.ts'
import { MAIL_STATES } from '../database/queries/outbox.ts'
import { isProblem } from '../errors.ts'
import { CURSOR, cancelMail, findMail, listMails, type MailNeeds, retryMail } from '../operators/mails.ts'
import { type PublicMail, publicMail } from '../operators/public-mail.ts'
import { canonicalEmail } from '../shared/email-address.ts'
import { BY_CLI, type Command, type Input, type Output, usageError } from './command.ts'
import { limitOption, readChoice, readCursor, readLimit } from './input.ts'
import { facts, table } from './table.ts'

const DEFAULT_LIMIT = 50
const MOST = 1000
/** Dead letters that are retried between two queries. */
const BATCH = 100

const list: Command = {
  name: 'mails list',
  summary: 'list emails, newest first',
  description:
    'Sent emails are kept for a week (MAIL_RETENTION), dead letters for 30 days (DEAD_MAIL_RETENTION).',
  options: {
    state: { value: 'state', description: `one of ${MAIL_STATES.join(', ')}` },
    to: { value: 'email', description: 'only emails to this recipient' },
    ...limitOption(DEFAULT_LIMIT),
    cursor: { value: 'cursor', description: 'cursor of the last page, to continue after it' },
  },
  async run(context, input) {
    const filter: MailFilter = {
      state: readChoice(input, 'state', MAIL_STATES),
      recipient: readRecipient(input),
    }
    const cursor = readCursor(input, CURSOR)
    const limit = readLimit(input, DEFAULT_LIMIT, MOST)
    const needs = await context.needs()
    const { mails, nextCursor } = await listMails(needs, filter, cursor, limit)
    const shown = mails.map(mail => publicMail(mail, needs.clock()))
    const rows = shown.map(mail => [
      mail.id,
      stateOf(mail),
      mail.kind,
      mail.recipient,
      mail.attempts,
      new Date(mail.createdAt),
    ])
    const heads = ['id', 'state', 'kind', 'to', 'attempts', 'created']
    const more = nextCursor === null ? '' : `\n\nThere are more: add --cursor ${nextCursor}`
    return {
      json: { mails: shown, nextCursor },
      text: rows.length === 0 ? 'No email matches.' : `${table(heads, rows)}${more}`,
    }
  },
}

const show: Command = {
  name: 'mails show',
  summary: 'show an email: its state, attempts and last error',
  parameters: { mail: 'id of the email' },
  async run(context, input) {
    const needs = await context.needs()
    return shown(needs, await findMail(needs, input.text('mail')))
  },
}

const retry: Command = {
  name: 'mails retry',
  summary: 'send an email now',
  description:
    'Also sends dead letters and cancelled emails again. The running service sends them within seconds.',
  parameters: { mail: 'id of the email' },
  isOptional: true,
  options: { dead: { description: 'retry all dead letters, instead of one email' } },
  async run(context, input) {
    const id = input.optional('mail')
    if ((id === undefined) === !input.flag('dead'))
      throw usageError('Name an email, or add --dead for all dead letters.')
    const needs = await context.needs()
    if (id !== undefined) return shown(needs, await retryMail(needs, id, BY_CLI), 'The email is due now.')
    const retried = await retryDead(needs)
    return { json: { retried }, text: `Dead letters that are due now: ${retried.length}` }
  },
}

const cancel: Command = {
  name: 'mails cancel',
  summary: 'cancel a queued email',
  description: 'Requests that the email would serve are cancelled with it. latchkey mails retry undoes it.',
  parameters: { mail: 'id of the email' },
  async question(context, input) {
    const { kind, recipient } = await findMail(await context.needs(), input.text('mail'))
    return `Cancel the email ${kind} to ${recipient}?`
  },
  async run(context, input) {
    const needs = await context.needs()
    return shown(needs, await cancelMail(needs, input.text('mail'), BY_CLI), 'The email is cancelled.')
  },
}

export const mails: readonly Command[] = [list, show, retry, cancel]

/** From the newest dead letter to the oldest; emails that fail again meanwhile are newer. */
async function retryDead(needs: MailNeeds): Promise<string[]> {
  const retried: string[] = []
  let cursor: string | undefined
  do {
    const page = await listMails(needs, { state: 'dead' }, cursor, BATCH)
    for (const { id } of page.mails) {
      try {
        await retryMail(needs, id, BY_CLI)
        retried.push(id)
      } catch (error) {
        // Another operator retried it, or housekeeping deleted it.
        if (!isProblem(error)) throw error
      }
    }
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return retried
}

function readRecipient(input: Input): string | undefined {
  const text = input.optional('to')
  if (text === undefined) return undefined
  return canonicalEmail(text, '--to')
}

const stateOf = ({ state, inProgress }: PublicMail) => (inProgress ? 'sending' : state)

function shown({ clock }: MailNeeds, row: Parameters<typeof publicMail>[0], done?: string): Output {
  const mail = publicMail(row, clock())
  const time = (text: string | null) => (text === null ? null : new Date(text))
  const text = facts([
    ['id', mail.id],
    ['state', stateOf(mail)],
    ['kind', mail.kind],
    ['to', mail.recipient],
    ['account', mail.userId],
    ['attempts', mail.attempts],
    ['last error', mail.lastError],
    ['created', time(mail.createdAt)],
    ['next attempt', time(mail.nextAttemptAt)],
    ['finished', time(mail.finishedAt)],
    ['served by', mail.servedBy],
    ['request', mail.requestId],
  ])
  return { json: mail, text: done === undefined ? `${text}\n\n${meaningOf(mail)}` : `${done}\n\n${text}` }
}

/** Meaning of the state for the person who waits for the email, and what to do. */
function meaningOf({ id, state, inProgress, attempts, servedBy }: PublicMail): string {
  if (inProgress) return 'The service is sending it at this moment.'
  switch (state) {
    case 'queued':
      return attempts === 0
        ? 'It waits for a worker, or for its turn: one a minute and three an hour for a recipient.'
        : `The last attempt failed, and the service tries again. To try now: latchkey mails retry ${id}`
    case 'joined':
      return `Another email serves this request: latchkey mails show ${servedBy}`
    case 'sent':
      return 'The mail server accepted it. Look for it there by the recipient and the time it was finished.'
    case 'dropped':
      return 'There was nothing to send: no such account, an account that is disabled, or a request that is over.'
    case 'dead':
      return `The mail server refused it for good, or all attempts failed. To try again: latchkey mails retry ${id}`
    default:
      return `An operator cancelled it. To send it after all: latchkey mails retry ${id}`
  }
}
