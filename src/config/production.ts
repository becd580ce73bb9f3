/**
 * What is good enough for a laptop and not for production: settings that are refused there, and settings
 * that are worth a warning when it starts.
 */

import { parsePostgresqlUrl } from '../shared/postgresql-url.ts'
import type { Config } from './environment.ts'
import { proxyProblem, trustsStrangers } from './proxies.ts'
import { isLoopback } from './urls.ts'

/**
 * What production refuses besides a missing secret.
 *
 * @returns a line for each variable, naming it
 */
export function unfitForProduction(config: Config): string[] {
  const problems: string[] = []
  if (config.MAIL_BACKEND === 'console') {
    problems.push(
      'MAIL_BACKEND: expected smtp in production; the console would write links with live tokens into the log',
    )
  }
  if (config.MAIL_USERNAME !== undefined && mailsInClear(config)) {
    problems.push(
      'MAIL_USE_TLS: expected it or MAIL_USE_SSL in production; MAIL_PASSWORD would cross the network in clear',
    )
  }
  for (const { name, user, password } of servers(config)) {
    if (password && isSample(password, user))
      problems.push(`${name}: expected a password of its own in production, not a sample`)
  }
  if (config.MAIL_PASSWORD !== undefined && isSample(config.MAIL_PASSWORD, config.MAIL_USERNAME)) {
    problems.push('MAIL_PASSWORD: expected a password of its own in production, not a sample')
  }
  // What is no range at all is refused everywhere.
  if (proxyProblem(config.TRUST_PROXY) === undefined && trustsStrangers(config.TRUST_PROXY)) {
    problems.push(
      'TRUST_PROXY: expected the addresses of your proxies in production; whoever is trusted chooses the address that limits count by',
    )
  }
  if (isWeakerThanOwasp(config)) {
    problems.push(
      'ARGON2_MEMORY_KIB: expected at least 19456 with ARGON2_TIME_COST=2 in production, or an equal of it',
    )
  }
  return problems
}

/** Variables without which production would lose or leak something, and what would come of it. */
const REQUIRED = {
  JWT_SECRET: 'required in production (try: openssl rand -base64 48)',
  APP_URL: 'required in production: the base of links in mails, such as https://accounts.example.org',
  DATABASE_URL:
    'required in production: postgresql://…, or file:… on a volume that is kept (by default the accounts would be lost with the container)',
}

/**
 * What production demands to be set, whatever the default.
 *
 * @param given the environment, with secrets from files in place
 * @returns a line for each variable, naming it
 */
export function missingInProduction(given: NodeJS.ProcessEnv): string[] {
  return Object.entries(REQUIRED).flatMap(([name, why]) => (given[name]?.trim() ? [] : [`${name}: ${why}`]))
}

/** A setting that production accepts and that may be an oversight. */
export interface ProductionWarning {
  variable: keyof Config
  message: string
}

/** Insecure settings that production accepts; none outside of production. */
export function productionWarnings(config: Config): ProductionWarning[] {
  if (config.NODE_ENV !== 'production') return []
  const warnings: ProductionWarning[] = []
  const unless = (fine: boolean, variable: keyof Config, message: string) => {
    if (!fine) warnings.push({ variable, message })
  }
  unless(
    config.EMAIL_CONFIRMATION !== 'off',
    'EMAIL_CONFIRMATION',
    "anybody can register anybody else's address",
  )
  unless(!isLoopback(new URL(config.APP_URL).hostname), 'APP_URL', 'links in mails lead to this machine')
  unless(
    !mailsInClear(config),
    'MAIL_USE_TLS',
    'a mail server without STARTTLS gets mails, links included, in clear',
  )
  for (const { name, inClear } of servers(config)) {
    unless(!inClear, name, 'the connection to another machine is not encrypted')
  }
  return warnings
}

/** Neither kind of TLS is demanded, so that whoever is on the way can strip it. */
function mailsInClear(config: Config): boolean {
  const { MAIL_BACKEND, MAIL_USE_TLS, MAIL_USE_SSL, MAIL_SERVER } = config
  return MAIL_BACKEND === 'smtp' && !MAIL_USE_TLS && !MAIL_USE_SSL && !isLoopback(MAIL_SERVER)
}

interface Server {
  name: 'DATABASE_URL' | 'REDIS_URL'
  user: string
  /** Empty where there is none: that is a socket, a certificate or a trusted host, and nothing to judge from here. */
  password: string
  inClear: boolean
}

function servers({ DATABASE_URL, REDIS_URL }: Config): Server[] {
  const found: Server[] = []
  if (!DATABASE_URL.startsWith('file:')) {
    const { host = 'localhost', user = '', password = '', parameters } = parsePostgresqlUrl(DATABASE_URL)
    const here = host.startsWith('/') || isLoopback(host)
    found.push({ name: 'DATABASE_URL', user, password, inClear: !here && !isEncrypted(parameters) })
  }
  if (REDIS_URL !== undefined) {
    const { username, password, protocol, hostname } = new URL(REDIS_URL)
    const inClear = protocol === 'redis:' && !isLoopback(hostname)
    found.push({ name: 'REDIS_URL', user: decoded(username), password: decoded(password), inClear })
  }
  return found
}

/** Whether the parameters of a PostgreSQL URL demand TLS. */
function isEncrypted(parameters: ReadonlyMap<string, string>): boolean {
  const mode = parameters.get('sslmode')
  if (mode !== undefined) return /^(require|verify-ca|verify-full)$/.test(mode)
  return /^(true|1)$/.test(parameters.get('ssl') ?? '') || parameters.has('sslrootcert')
}

/** Passwords of tutorials, images and defaults, with digits or marks behind them. */
const SAMPLE =
  /^(sample|example|placeholder|change.?(me|it|this))|^(default|dummy|secret|pass(word|wd)?|admin|root|user|postgres(ql)?|redis|mysql|latchkey|test|dev|local|docker|qwerty)?[\W\d_]*$/i

function isSample(password: string, user = ''): boolean {
  return password === user || SAMPLE.test(password)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * OWASP's password storage cheat sheet names settings of equal strength, from 46 MiB in one pass to 7 MiB
 * in five. The product of memory and passes is least in the last.
 */
function isWeakerThanOwasp({ ARGON2_MEMORY_KIB, ARGON2_TIME_COST }: Config): boolean {
  return ARGON2_MEMORY_KIB < 7168 || ARGON2_MEMORY_KIB * ARGON2_TIME_COST < 5 * 7168
}
