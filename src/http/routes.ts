/** Types routes by their TypeBox schemas: what a handler reads and returns is checked against the schema of its route. */
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchema,
  FastifyTypeProvider,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
  RouteGenericInterface,
} from 'fastify'
import Type, { type Static, type TSchema } from 'typebox'

/** Fastify's type provider for TypeBox. */
interface TypeBox extends FastifyTypeProvider {
  validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown
  serializer: this['schema'] extends TSchema ? Static<this['schema']> : unknown
}

/** The app as a file of routes gets it. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBox
>

/**
 * The handler of a route.
 *
 * `Schema` names the inputs that the handler reads, such as `{ body: typeof Body }`. `Result` is the type of the value
 * that it returns; a handler that sends the response itself has none.
 */
export type Handler<Schema extends FastifySchema = object, Result = void> = (
  this: FastifyInstance,
  request: FastifyRequest<
    RouteGenericInterface,
    RawServerDefault,
    RawRequestDefaultExpression,
    Schema,
    TypeBox
  >,
  reply: FastifyReply,
) => Promise<Result>

/**
 * Describes a body that has one of several forms, each of which is closed.
 *
 * @param forms the schemas; no value matches two of them
 * @param options keywords beside `oneOf`, such as `examples`
 */
export function oneOf<Forms extends TSchema[]>(forms: [...Forms], options: { examples: object[] }) {
  return Type.Unsafe<Static<Forms[number]>>({ oneOf: forms, ...options })
}
