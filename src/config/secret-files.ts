/** Secrets from files, as orchestrators mount them: `JWT_SECRET_FILE=/run/secrets/jwt` stands for `JWT_SECRET`. */
import { readText } from './env-file.ts'

/** Variables that may come from a file. */
export const SECRETS: ReadonlySet<string> = new Set([
  'DATABASE_URL',
  'REDIS_URL',
  'JWT_SECRET',
  'JWT_SECRET_PREVIOUS',
  'MAIL_PASSWORD',
])

export const fileVariable = (name: string) => `${name}_FILE`

/**
 * Reads the files that `*_FILE` variables name.
 *
 * @returns the environment with the secrets in place, and a line for each variable that is not right; no line holds
 *   anything of a file
 */
export function secretsFromFiles(env: NodeJS.ProcessEnv): { given: NodeJS.ProcessEnv; problems: string[] } {
  const given = { ...env }
  const problems: string[] = []
  for (const name of SECRETS) {
    const variable = fileVariable(name)
    const path = env[variable]?.trim()
    if (!path) continue
    if (env[name]?.trim()) {
      problems.push(`${variable}: expected only one of it and ${name}`)
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
