/** The mail thread: sends emails over SMTP and reports the outcomes. */
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import nodemailer from 'nodemailer'
import { structureOutput } from '../process-log.ts'
import type { MailSendError } from './transport.ts'
import { createSmtpTransport, type SmtpConfig } from './transport-smtp.ts'
import type { FromThread, MailTask, ToThread } from './transport-thread.ts'

/** Number of recent durations from which the duration of a pretended email is drawn. */
const MAX_RECENT = 20
const FIRST_DURATION = 50

structureOutput()

const transport = createSmtpTransport(workerData as SmtpConfig)
/** Builds the same email without sending it, because the other threads share the caches. */
const dryRun = nodemailer.createTransport({ streamTransport: true, buffer: true })
const durations: number[] = []
/** What the thread sleeps on; it is never notified. */
const sleeper = new Int32Array(new SharedArrayBuffer(4))
/** Milliseconds that the thread sleeps at the end of a wait; timers are late by up to two. */
const BLOCKED = 2

// A pretended email takes as long as a recent real one: microseconds for a local server, half a second for a
// remote one.
async function run(task: MailTask): Promise<void> {
  if (task === 'probe') return transport.probe?.()
  const { mail, pretend } = task
  const begun = performance.now()
  if (pretend) {
    const duration = durations[Math.floor(Math.random() * durations.length)] ?? FIRST_DURATION
    const { to, ...content } = mail
    await dryRun.sendMail({ ...content, from: to, to: { name: '', address: to } })
    await until(begun + duration)
    return
  }
  await transport.send(mail)
  durations.unshift(performance.now() - begun)
  durations.length = Math.min(durations.length, MAX_RECENT)
}

/** Waits to a fraction of a millisecond, because a timer's delay would show in the time of the next response. */
async function until(end: number): Promise<void> {
  const left = () => end - performance.now()
  if (left() > BLOCKED + 1) await delay(left() - BLOCKED)
  if (left() > 0) Atomics.wait(sleeper, 0, 0, left())
}

parentPort?.on('message', (message: ToThread) => {
  if (message === 'close') {
    transport.close()
    parentPort?.close()
    return
  }
  const { id, task } = message
  const post = (message: FromThread) => parentPort?.postMessage(message)
  run(task).then(
    () => post({ id }),
    ({ message, permanent, untaken, refusesService, unreachable, code, responseCode }: MailSendError) => {
      const error = { message, permanent, untaken, refusesService, unreachable, code }
      post({ id, error: { ...error, ...(responseCode !== undefined && { responseCode }) } })
    },
  )
})
