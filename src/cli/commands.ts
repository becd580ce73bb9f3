/**
 * The commands by group. A group is loaded when it is called, because loading all of them takes longer than most
 * calls.
 */
import type { Command } from './command.ts'

/** Commands that begin with the same word, or a single command. */
export interface Group {
  name: string
  summary: string
  load(): Promise<readonly Command[]>
}

export const GROUPS: readonly Group[] = [
  {
    name: 'serve',
    summary: 'run the service',
    load: async () => [(await import('./serve.ts')).serve],
  },
  {
    name: 'migrate',
    summary: 'apply the migrations that the database lacks',
    load: async () => [(await import('./migrate.ts')).migrateCommand],
  },
  {
    name: 'users',
    summary: 'accounts: list, show, invite, disable, unlock, end sessions, delete and more',
    load: async () => (await import('./users.ts')).users,
  },
  {
    name: 'keys',
    summary: "keys of the operators' API: list, create, revoke",
    load: async () => (await import('./keys.ts')).keys,
  },
  {
    name: 'mails',
    summary: 'emails: list, show, retry, cancel',
    load: async () => (await import('./mails.ts')).mails,
  },
  {
    name: 'events',
    summary: 'events of accounts, keys and emails',
    load: async () => [(await import('./events.ts')).events],
  },
  {
    name: 'version',
    summary: 'print the version',
    load: async () => [(await import('./version.ts')).version],
  },
]
