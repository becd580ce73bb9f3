/** Insecure settings that production rejects, and settings that it warns of. */
import { LONGEST_MAIL_WAIT } from '../shared/mail-wait.ts'
import { parsePostgresqlUrl } from '../shared/postgresql-url.ts'
import type { Config } from './environment.ts'
import { DERIVED, isSampleKey } from './key.ts'
import { LINK_VARIABLES } from './links.ts'
import { proxyProblem, trustsPublicAddresses } from './proxies.ts'
import { isGuessable } from './secret.ts'
import { isInClear, isLoopback } from './urls.ts'

const PLACEHOLDER_SECRET = /change.?me|secret.?key|example|your.?secret|placeholder/i

/** Returns one line for each setting that production rejects. */
export function rejectedInProduction(config: Config): string[] {
  const problems: string[] = []
  for (const name of ['JWT_SECRET', 'JWT_SECRET_PREVIOUS'] as const) {
    const secret = config[name]
    if (secret !== undefined && (PLACEHOLDER_SECRET.test(secret) || isGuessable(secret))) {
      problems.push(`${name}: expected a random secret, not a sample (try: openssl rand -base64 48)`)
    }
  }
  if (config.MAIL_BACKEND === 'console') {
    problems.push(
      'MAIL_BACKEND: expected smtp in production; the console would print links with valid tokens into the log',
    )
  }
  if (config.MAIL_USERNAME !== undefined && sendsMailInClear(config)) {
    problems.push(
      'MAIL_USE_TLS: expected it or MAIL_USE_SSL in production; MAIL_PASSWORD would cross the network unencrypted',
    )
  }
  for (const { name, user, password } of servers(config)) {
    if (password && isSample(password, user))
      problems.push(`${name}: expected a password that is no sample in production`)
  }
  if (config.MAIL_PASSWORD !== undefined && isSample(config.MAIL_PASSWORD, config.MAIL_USERNAME)) {
    problems.push('MAIL_PASSWORD: expected a password that is no sample in production')
  }
  for (const name of ['ACCESS_TOKEN_PRIVATE_KEY', 'ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS'] as const) {
    const key = config[name]
    if (key !== undefined && key !== DERIVED && isSampleKey(key))
      problems.push(`${name}: expected a key that is no sample in production`)
  }
  if (proxyProblem(config.TRUST_PROXY) === undefined && trustsPublicAddresses(config.TRUST_PROXY)) {
    problems.push(
      'TRUST_PROXY: expected the addresses of your proxies in production; a trusted peer chooses the address that rate limits count',
    )
  }
  if (isWeakerThanOwasp(config)) {
    problems.push(
      'ARGON2_MEMORY_KIB: expected at least 19456 with ARGON2_TIME_COST=2 in production, or settings of equal strength',
    )
  }
  if (config.RATE_LIMIT === 'off') problems.push('RATE_LIMIT: expected on in production')
  if (config.CORS_ORIGINS.includes('*')) {
    problems.push('CORS_ORIGINS: expected a list of origins in production, not *')
  }
  for (const name of ['APP_URL', ...LINK_VARIABLES] as const) {
    const url = config[name]
    if (url !== undefined && URL.canParse(url) && isInClear(url)) {
      problems.push(
        `${name}: expected an https URL in production; tokens in links would cross the network unencrypted`,
      )
    }
  }
  return problems
}

const REQUIRED = {
  JWT_SECRET: 'required in production (try: openssl rand -base64 48)',
  APP_URL: 'required in production: the base of links in emails, such as https://accounts.example.org',
  DATABASE_URL:
    'required in production: postgresql://…, or file:… on a volume that is kept (the default loses the accounts with the container)',
}

/** Returns one line for each required variable that is not set. `given` has the secrets from files. */
export function missingInProduction(given: NodeJS.ProcessEnv): string[] {
  return Object.entries(REQUIRED).flatMap(([name, why]) => (given[name]?.trim() ? [] : [`${name}: ${why}`]))
}

export interface ProductionWarning {
  variable: keyof Config
  message: string
}

/** Returns the insecure settings that production accepts. */
export function productionWarnings(config: Config): ProductionWarning[] {
  if (config.NODE_ENV !== 'production') return []
  const warnings: ProductionWarning[] = []
  const warnUnless = (secure: boolean, variable: keyof Config, message: string) => {
    if (!secure) warnings.push({ variable, message })
  }
  warnUnless(
    config.EMAIL_CONFIRMATION !== 'off',
    'EMAIL_CONFIRMATION',
    'anybody can register an email of somebody else',
  )
  warnUnless(!isLoopback(new URL(config.APP_URL).hostname), 'APP_URL', 'links in emails lead to this machine')
  warnUnless(
    !sendsMailInClear(config),
    'MAIL_USE_TLS',
    'a mail server without STARTTLS receives emails and their links unencrypted',
  )
  warnUnless(
    !/@localhost>?$/.test(config.MAIL_DEFAULT_SENDER),
    'MAIL_DEFAULT_SENDER',
    'other mail servers refuse emails from localhost',
  )
  warnUnless(
    !['fatal', 'silent'].includes(config.LOG_LEVEL),
    'LOG_LEVEL',
    'neither outages nor security events are logged',
  )
  for (const name of ['RESET_TOKEN_TTL', 'CONFIRM_TOKEN_TTL'] as const) {
    warnUnless(
      config[name] > LONGEST_MAIL_WAIT,
      name,
      `a link can expire before the next one may be sent, ${LONGEST_MAIL_WAIT} s later: its owner is without a valid link`,
    )
  }
  for (const { name, inClear } of servers(config)) {
    warnUnless(!inClear, name, 'the connection to another machine is not encrypted')
  }
  return warnings
}

/** Optional STARTTLS counts as clear text: a man in the middle can strip it. */
function sendsMailInClear(config: Config): boolean {
  const { MAIL_BACKEND, MAIL_USE_TLS, MAIL_USE_SSL, MAIL_SERVER } = config
  return MAIL_BACKEND === 'smtp' && !MAIL_USE_TLS && !MAIL_USE_SSL && !isLoopback(MAIL_SERVER)
}

interface Server {
  name: 'DATABASE_URL' | 'REDIS_URL'
  user: string
  /** Empty with a socket, a client certificate or trusted hosts. */
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

function isEncrypted(parameters: ReadonlyMap<string, string>): boolean {
  const mode = parameters.get('sslmode')
  if (mode !== undefined) return /^(require|verify-ca|verify-full)$/.test(mode)
  return /^(true|1)$/.test(parameters.get('ssl') ?? '') || parameters.has('sslrootcert')
}

/** Passwords of tutorials, images and defaults, also with digits or marks appended. */
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

// OWASP's password storage cheat sheet lists settings of equal strength; the product is smallest in the last
// (7 MiB in five passes).
function isWeakerThanOwasp({ ARGON2_MEMORY_KIB, ARGON2_TIME_COST }: Config): boolean {
  return ARGON2_MEMORY_KIB < 7168 || ARGON2_MEMORY_KIB * ARGON2_TIME_COST < 5 * 7168
}
