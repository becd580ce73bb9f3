/** What the mail worker needs of the service. */
import type { Config } from '../config/config.ts'
import type { Database } from '../database/index.ts'
import type { Tokens } from '../tokens/tokens.ts'

export interface MailDependencies {
  config: Config
  clock: () => Date
  database: Database
  tokens: Tokens
}
