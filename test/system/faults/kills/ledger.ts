/** Acknowledged requests, requests without a response, and the emails due for them. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ReceivedMail, SmtpServer } from '../../../harness/smtp.ts'

/** Requests that change something. */
export const KINDS = [
  'register',
  'confirm',
  'log in',
  'refresh',
  'log out',
  'locale',
  'ask for a reset',
  'reset',
  'ask for a change',
  'change',
  'ask for an address',
  'address',
  'delete',
] as const
export type Kind = (typeof KINDS)[number]

/** An email that an acknowledged request promised. */
export interface ExpectedMail {
  address: string
  subject: RegExp
  /** The account whose deletion cancels it. */
  account: string
}

export interface Ledger {
  acknowledged: Record<Kind, number>
  /** Requests without a response, by their outcome as found out later. */
  cut: Record<'happened' | 'did not happen' | 'either', number>
  owed: ExpectedMail[]
  /** Addresses of deleted accounts, with which rows of their emails were deleted. */
  deletedAddresses: Set<string>
}

export const emptyLedger = (): Ledger => ({
  acknowledged: Object.fromEntries(KINDS.map(kind => [kind, 0])) as Record<Kind, number>,
  cut: { happened: 0, 'did not happen': 0, either: 0 },
  owed: [],
  deletedAddresses: new Set(),
})

/** Emails by address, in order of arrival. */
export interface Mailboxes {
  /** Emails so far, in order. */
  to(address: string, subject: RegExp): ReceivedMail[]
  /**
   * Waits until there are more than `count`.
   *
   * @throws Error after three minutes, which is many processes
   */
  after(count: number, address: string, subject: RegExp): Promise<ReceivedMail>
}

const LONGEST_MAIL_MS = 180_000

/** @param signal once aborted, all waits are rejected */
export function mailboxes({ mails }: SmtpServer, signal: AbortSignal): Mailboxes {
  const byAddress = new Map<string, ReceivedMail[]>()
  let sorted = 0

  function to(address: string, subject: RegExp) {
    for (; sorted < mails.length; sorted++) {
      const mail = mails[sorted] as ReceivedMail
      for (const recipient of mail.to) {
        byAddress.set(recipient, [...(byAddress.get(recipient) ?? []), mail])
      }
    }
    return (byAddress.get(address) ?? []).filter(mail => subject.test(mail.subject))
  }

  return {
    to,
    async after(count, address, subject) {
      const deadline = performance.now() + LONGEST_MAIL_MS
      for (;;) {
        const mail = to(address, subject)[count]
        if (mail) return mail
        if (performance.now() > deadline) throw new Error(`no mail to ${address} like ${subject}`)
        await delay(10, undefined, { signal })
      }
    },
  }
}
