/** The limits on requests from one network or for one account. docs/threat-model.md and the README list them too. */
import type { Config } from '../config/config.ts'

/** A maximum of requests within a number of seconds. */
export interface Window {
  max: number
  seconds: number
}

export type CountedBy = 'network' | 'account'

/**
 * What limits count by, narrowest first, each with its factor on the limit. One party may hold a whole /56 or /48, but
 * so may many customers of a provider. An IPv4 address has no wider network.
 */
export const SCOPES: Record<CountedBy, readonly { name: string; factor: number }[]> = {
  network: [
    { name: 'from one network', factor: 1 },
    { name: 'from one IPv6 /56', factor: 4 },
    { name: 'from one IPv6 /48', factor: 16 },
  ],
  account: [{ name: 'for one account', factor: 1 }],
}

interface Limit {
  /** Description of what is counted. */
  what: string
  /** What it is counted by. A limit of accounts belongs on routes that authenticate. */
  per: CountedBy
  windows: readonly Window[]
  /** The variable that sets the first window; the others follow in proportion. */
  variable?: 'RATE_LIMIT_ALL' | 'RATE_LIMIT_LOGIN' | 'RATE_LIMIT_REGISTER' | 'RATE_LIMIT_MAIL'
  /** Only requests that were refused (4xx) count. */
  refusedOnly?: true
}

/** Routes with the same limit count together. */
export const LIMITS = {
  /** All requests, also those that are not found. */
  all: { what: 'requests', per: 'network', windows: [{ max: 100, seconds: 60 }], variable: 'RATE_LIMIT_ALL' },
  /** A first visit needs about forty files, and several people may share an address. */
  files: { what: 'files of pages', per: 'network', windows: [{ max: 1000, seconds: 60 }] },
  login: {
    what: 'refused logins or password checks',
    per: 'network',
    windows: [{ max: 10, seconds: 180 }],
    variable: 'RATE_LIMIT_LOGIN',
    refusedOnly: true,
  },
  confirm: { what: 'links or codes', per: 'network', windows: [{ max: 10, seconds: 180 }] },
  mail: {
    what: 'requests for emails',
    per: 'network',
    windows: [{ max: 10, seconds: 3600 }],
    variable: 'RATE_LIMIT_MAIL',
  },
  /** An office may be behind one address. */
  register: {
    what: 'registrations',
    per: 'network',
    windows: [
      { max: 20, seconds: 3600 },
      { max: 100, seconds: 86_400 },
    ],
    variable: 'RATE_LIMIT_REGISTER',
  },
  /** A person needs one. Each reads all data of the account. */
  export: { what: 'exports', per: 'account', windows: [{ max: 5, seconds: 3600 }] },
} as const satisfies Record<string, Limit>
export type LimitName = keyof typeof LIMITS

/** Factor in development, unless a variable sets the limit. */
export const DEVELOPMENT_FACTOR = 10

/** The windows of a limit under a configuration. */
export function windowsOf(name: LimitName, config: Config): Window[] {
  const { windows, variable }: Limit = LIMITS[name]
  const configured = variable && config[variable]
  const first = windows[0]?.max ?? 1
  const factor =
    configured === undefined
      ? config.NODE_ENV === 'development'
        ? DEVELOPMENT_FACTOR
        : 1
      : configured / first
  return windows.map(({ max, seconds }) => ({ max: Math.ceil(max * factor), seconds }))
}

const UNITS = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
] as const

/**
 * A limit in words, such as "At most 10 links or codes in 3 minutes from one network."
 *
 * @param scope its name in `SCOPES`
 */
export function describeLimit(name: LimitName, { max, seconds }: Window, scope: string): string {
  const [length, unit] = UNITS.find(([length]) => seconds % length === 0) ?? [1, 'second']
  const count = seconds / length
  const duration = count === 1 ? `${unit === 'hour' ? 'an' : 'a'} ${unit}` : `in ${count} ${unit}s`
  return `At most ${max} ${LIMITS[name].what} ${duration} ${scope}.`
}
