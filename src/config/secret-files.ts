/** Secrets in files, as orchestrators mount them: `JWT_SECRET_FILE=/run/secrets/jwt` sets `JWT_SECRET`. */
import { readText } from './env-file.ts'

export const SECRETS: ReadonlySet<string> = new Set([
  'DATABASE_URL',
  'REDIS_URL',
  'JWT_SECRET',
  'JWT_SECRET_PREVIOUS',
  'ACCESS_TOKEN_PRIVATE_KEY',
  'ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS',
  'MAIL_PASSWORD',
])

export const fileVariable = (name: string) => `${name}_FILE`

/**
 * Reads the files that `*_FILE` variables name. Returns one line per fault, without any content of a file.
 */
export function secretsFromFiles(env: NodeJS.ProcessEnv): { given: NodeJS.ProcessEnv; problems: string[] } {
  const given = { ...env }
  const problems: string[] = []
  for (const name of SECRETS) {
    const variable = fileVariable(name)
    const path = env[variable]?.trim()
    if (!path) continue
    if (env[name]?.trim()) {
      problems.push(`${variable}: expected only one of ${variable} and ${name}`)
      continue
    }
    try {
      given[name] = readText(path).trim()
      if (given[name] === '') problems.push(`${variable}: expected a file that is not empty`)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      problems.push(`${variable}: expected a readable text file in UTF-8${code ? ` (${code})` : ''}`)
    }
  }
  return { given, problems }
}
