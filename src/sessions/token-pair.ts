/** Schema of a token pair. */
import Type, { type Static } from 'typebox'

export const TokenPair = Type.Object(
  {
    accessToken: Type.String({ maxLength: 4096, description: 'JWT for `Authorization: Bearer`' }),
    tokenType: Type.Literal('Bearer'),
    expiresIn: Type.Integer({ minimum: 0, maximum: 31_536_000, format: 'int32', description: 'seconds' }),
    refreshToken: Type.Optional(
      Type.String({
        maxLength: 256,
        description: 'single-use, for /token/refresh; absent in cookie mode',
      }),
    ),
    refreshExpiresIn: Type.Integer({
      minimum: 0,
      maximum: 31_536_000,
      format: 'int32',
      description: 'seconds',
    }),
  },
  { $id: 'TokenPair', additionalProperties: false },
)
export type TokenPair = Static<typeof TokenPair>
