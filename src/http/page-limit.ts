/** The `limit` parameter of lists. */
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'

/** The query parameter `limit` of a list; its route needs `preValidation: readLimit`. */
export const pageLimit = (what: string, byDefault: number, most: number) =>
  Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: most,
      format: 'int32',
      description: `${what} per page; ${byDefault} by default`,
    }),
  )

/** Query values are text. Digits become a number, so that validation can name the range. */
export async function readLimit(request: FastifyRequest) {
  const query = request.query as { limit?: unknown }
  if (typeof query.limit === 'string' && /^(0|-?[1-9]\d{0,8})$/.test(query.limit))
    query.limit = Number(query.limit)
}
