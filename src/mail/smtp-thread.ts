/** What runs in the mail thread: hands mails to the SMTP server, and tells what became of each. */
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import nodemailer from 'nodemailer'
import { structureOutput } from '../process-log.ts'
import type { MailSendError, OutgoingMail } from './transport.ts'
import { createSmtpTransport, type SmtpConfig } from './transport-smtp.ts'
import type { FromThread, ToThread } from './transport-thread.ts'

/** How many of the last durations a pretended mail is drawn from, and what it takes before there is one; milliseconds. */
const REMEMBERED = 20
const FIRST_DURATION = 50

structureOutput()

const transport = createSmtpTransport(workerData as SmtpConfig)
/** Builds the same mail for nobody: what a thread does is felt by the others in the caches that they share. */
const nowhere = nodemailer.createTransport({ streamTransport: true, buffer: true })
const durations: number[] = []

/** Mails to a local server take microseconds, to one far away half a second: the end of a pretended one must not tell. */
async function deal(mail: OutgoingMail, pretend: boolean): Promise<void> {
  const begun = performance.now()
  if (pretend) {
    const duration = durations[Math.floor(Math.random() * durations.length)] ?? FIRST_DURATION
    const { to, ...content } = mail
    await nowhere.sendMail({ ...content, from: to, to: { name: '', address: to } })
    await delay(Math.max(0, duration - (performance.now() - begun)))
    return
  }
  await transport.send(mail)
  durations.unshift(performance.now() - begun)
  durations.length = Math.min(durations.length, REMEMBERED)
}

parentPort?.on('message', (task: ToThread) => {
  if (task === 'close') {
    transport.close()
    parentPort?.close()
    return
  }
  const { id, mail, pretend } = task
  const tell = (told: FromThread) => parentPort?.postMessage(told)
  deal(mail, pretend).then(
    () => tell({ id }),
    ({ message, permanent, untaken, refusesService, unreachable, code, responseCode }: MailSendError) => {
      const error = { message, permanent, untaken, refusesService, unreachable, code }
      tell({ id, error: { ...error, ...(responseCode !== undefined && { responseCode }) } })
    },
  )
})
