import type { Config } from '../config/config.ts'
import type { Database } from '../database/index.ts'
import type { Tokens } from '../tokens/tokens.ts'

/** What the outbox needs of the service. */
export interface MailNeeds {
  config: Config
  clock: () => Date
  database: Database
  tokens: Tokens
}
