// SMTP in a separate thread: building and sending an email takes milliseconds of the event loop, which would
// reveal in the next response that an email was sent.
import { Worker } from 'node:worker_threads'
import { MailSendError, type MailTransport, type OutgoingMail } from './transport.ts'
import { createSmtpTransport, type SmtpConfig } from './transport-smtp.ts'

/** `pretend`: take as long as for an email, without sending it. */
export type MailTask = { mail: OutgoingMail; pretend: boolean } | 'probe'

/** Message to the thread. */
export type ToThread = { id: number; task: MailTask } | 'close'

export interface FromThread {
  id: number
  error?: Omit<MailSendError, 'name' | 'stack' | 'cause'>
}

type Settle = (error?: Error) => void

/** @throws Error for the same settings as `createSmtpTransport` */
export function createThreadedTransport(config: SmtpConfig): MailTransport {
  const { name, describe, close } = createSmtpTransport(config)
  close()
  const waiting = new Map<number, Settle>()
  let thread: Worker | undefined
  let last = 0

  function start(): Worker {
    const workerData = Object.fromEntries(
      Object.entries(config).filter(([key]) => key.startsWith('MAIL_') || key === 'APP_URL'),
    )
    const started = new Worker(new URL('./smtp-thread.js', import.meta.url), { workerData })
    started.unref()
    started.on('message', ({ id, error }: FromThread) => {
      settle(id, error && new MailSendError(error.message, error))
    })
    // Its emails are retried; the next one starts a new thread.
    started.on('error', error => fail(`the mail thread failed: ${error.message}`))
    started.on('exit', () => fail('the mail thread ended'))
    return started

    function fail(message: string) {
      if (thread === started) thread = undefined
      const details = {
        permanent: false,
        untaken: false,
        refusesService: false,
        unreachable: true,
        code: 'ETHREAD',
      }
      for (const id of [...waiting.keys()]) settle(id, new MailSendError(message, details))
    }
  }

  function settle(id: number, error?: Error) {
    const done = waiting.get(id)
    waiting.delete(id)
    if (waiting.size === 0) thread?.unref()
    done?.(error)
  }

  function hand(task: MailTask): Promise<void> {
    thread ??= start()
    const to = thread
    return new Promise((resolve, reject) => {
      const id = ++last
      waiting.set(id, error => (error ? reject(error) : resolve()))
      // Keeps the process alive while an email is being sent.
      to.ref()
      to.postMessage({ id, task } satisfies ToThread)
    })
  }

  return {
    name,
    describe,
    send: mail => hand({ mail, pretend: false }),
    pretend: mail => hand({ mail, pretend: true }),
    probe: () => hand('probe'),
    close: () => thread?.postMessage('close' satisfies ToThread),
  }
}
