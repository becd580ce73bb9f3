import Type, { type Static, type TSchema } from 'typebox'

/**
 * A body that has one of several forms, each of which is closed.
 *
 * @param forms the forms; no value has two of them
 * @param options keywords beside `oneOf`, such as `examples`
 */
export function oneOf<Forms extends TSchema[]>(forms: [...Forms], options: { examples: object[] }) {
  return Type.Unsafe<Static<Forms[number]>>({ oneOf: forms, ...options })
}
