/** The service with its SMTP server and clients, while one of its dependencies fails. */
import type { Test } from 'tap'
import { type ServiceProcess, serviceEnvironment, startProcess } from '../../harness/process.ts'
import { type SmtpServer, startSmtpServer } from '../../harness/smtp.ts'
import { type Load, newAccount, startLoad } from './load.ts'
import { isSuccess } from './outage-invariants.ts'

export interface Service {
  service: ServiceProcess
  smtp: SmtpServer
  url: string
  crowd: Load
}

export interface ServiceOptions {
  databaseUrl: string
  /** Number of clients, each with an account. */
  people: number
  /** See `ProcessOptions`. */
  through?: string[]
}

/** Starts the service, and waits until every client was served several times. */
export async function startService(
  t: Test,
  { databaseUrl, people, through = [] }: ServiceOptions,
): Promise<Service> {
  const smtp = await startSmtpServer(t)
  const service = startProcess(t, {
    through,
    env: serviceEnvironment({
      DATABASE_URL: databaseUrl,
      MAIL_BACKEND: 'smtp',
      MAIL_SERVER: smtp.host,
      MAIL_PORT: String(smtp.port),
    }),
  })
  const url = await service.listening()
  const crowd: { email: string; bearer: string }[] = []
  while (crowd.length < people) {
    const email = `person-${crowd.length}@example.org`
    crowd.push({ email, bearer: await newAccount(url, smtp, email) })
  }
  const started = startLoad(t, url, crowd)
  const before = await started.answers(6 * people)
  t.strictSame(
    before.filter(reply => !isSuccess(reply)).map(({ path, text }) => path + text),
    [],
    'all is well',
  )
  return { service, smtp, url, crowd: started }
}
