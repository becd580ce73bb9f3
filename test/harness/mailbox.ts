// Emails as recipients read them.
import type { TestApp } from './app.ts'
import type { Rows } from './rows.ts'
import type { ReceivedMail } from './smtp.ts'

/** The code of an email: grouped digits on their own line. */
export function codeIn(mail: ReceivedMail | undefined): string {
  const code = /^(\d{6}|\d{4} \d{4})$/m.exec(mail?.text ?? '')?.[1]?.replace(' ', '')
  if (code === undefined) throw new Error(`no code in the mail: ${mail?.subject}`)
  return code
}

/** Another code of the same length. */
export function otherThan(code: string): string {
  return String((Number(code) + 1) % 10 ** code.length).padStart(code.length, '0')
}

/** Runs an action. Returns its result and all emails that it causes. */
export async function withMails<T>(
  { smtp }: Pick<TestApp, 'smtp'>,
  rows: Pick<Rows, 'settled'>,
  act: () => Promise<T>,
): Promise<{ answer: T; mails: ReceivedMail[] }> {
  await rows.settled()
  const before = smtp.mails.length
  const answer = await act()
  await rows.settled()
  return { answer, mails: smtp.mails.slice(before) }
}

export function mailTo(mails: ReceivedMail[], to: string, subject: RegExp): ReceivedMail | undefined {
  return mails.find(mail => mail.to.includes(to) && subject.test(mail.subject))
}
