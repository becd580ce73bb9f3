// Records the queries of a request, without those of the mail worker.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyInstance } from 'fastify'

type Query = (...args: unknown[]) => unknown

/**
 * Records queries by name.
 *
 * @param hold may delay a query, by its name such as `users.findById`
 * @returns runs an action and returns its queries in order
 */
export function recordQueries(
  app: Pick<FastifyInstance, 'database'>,
  hold?: (name: string) => Promise<void> | undefined,
) {
  const current = new AsyncLocalStorage<string[]>()
  for (const [group, queries] of Object.entries(app.database)) {
    if (typeof queries !== 'object') continue
    for (const [method, query] of Object.entries(queries as Record<string, Query>)) {
      const name = `${group}.${method}`
      Object.assign(queries, {
        [method]: (...args: unknown[]) => {
          const until = hold?.(name)
          if (until) return until.then(() => query(...args))
          current.getStore()?.push(name)
          return query(...args)
        },
      })
    }
  }
  return async <T>(act: () => PromiseLike<T>): Promise<{ answer: T; queries: string[] }> => {
    const queries: string[] = []
    const answer = await current.run(queries, async () => act())
    return { answer, queries: [...queries] }
  }
}
