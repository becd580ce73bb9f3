/** Types routes by their TypeBox schemas: the compiler checks what a handler reads and returns. */
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

/** The app for files of routes. */
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
 * `Schema` names the inputs of the handler, such as `{ body: typeof Body }`. `Result` is the type of its return value;
 * a handler that sends the response itself has none.
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
 * Describes a body with one of several closed forms.
 *
 * @param forms the schemas; no value matches two of them
 * @param options further keywords, such as `examples`
 */
export function oneOf<Forms extends TSchema[]>(forms: [...Forms], options: { examples: object[] }) {
  return Type.Unsafe<Static<Forms[number]>>({ oneOf: forms, ...options })
}
