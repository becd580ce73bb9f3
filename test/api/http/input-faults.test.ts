/** Messages for input that does not match the declared schema. */
import t from 'tap'
import Type, { type TSchema } from 'typebox'
import { schemaController } from '../../../src/http/schema-compilers.ts'
import { startApp } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'

const Body = Type.Object(
  {
    code: Type.String({ pattern: '^\\d{6}$', maxLength: 6, examples: ['123456'] }),
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 5 })),
    long: Type.Optional(Type.String({ minLength: 3 })),
    shape: Type.Optional(Type.String({ pattern: '^x$' })),
    locale: Type.Optional(Type.Union([Type.String({ maxLength: 3 }), Type.Null()])),
    mode: Type.Optional(Type.Literal('cookie')),
    kind: Type.Optional(Type.Enum(['a', 'b'])),
    id: Type.Optional(Type.String({ format: 'uuid' })),
    page: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  },
  { additionalProperties: false },
)

const code = '123456'
const cases: [input: unknown, faults: Record<string, string>][] = [
  [{}, { '/code': 'is required' }],
  [null, { '/code': 'is required' }],
  [[], { '': 'must be an object' }],
  ['x', { '': 'must be an object' }],
  [
    { codes: 1, '': 2 },
    { '/code': 'is required', '/codes': 'is not a known property', '/': 'is not a known property' },
  ],
  [{ code, 'a/b~c': 1 }, { '/a~1b~0c': 'is not a known property' }],
  [{ code: 123456 }, { '/code': 'must be a string' }],
  [{ code: '12345' }, { '/code': 'must look like 123456' }],
  [{ code: '1234567' }, { '/code': 'must look like 123456' }],
  [{ code, name: '' }, { '/name': 'must not be empty' }],
  [{ code, name: 'abcdef' }, { '/name': 'must have at most 5 characters' }],
  [{ code, long: 'ab' }, { '/long': 'must have at least 3 characters' }],
  [{ code, shape: 'y' }, { '/shape': 'does not have the expected form' }],
  [{ code, locale: 5 }, { '/locale': 'must be a string or null' }],
  [{ code, locale: 'abcd' }, { '/locale': 'must have at most 3 characters' }],
  [{ code, mode: 'x' }, { '/mode': 'must be "cookie"' }],
  [{ code, kind: 'c' }, { '/kind': 'must be one of a, b' }],
  [{ code, id: 'x' }, { '/id': 'must be a UUID' }],
  [{ code, page: '1' }, { '/page': 'must be an integer' }],
  [{ code, page: 0 }, { '/page': 'must be at least 1' }],
  [{ code, page: 101 }, { '/page': 'must be at most 100' }],
]

/** Faults by path, as reported by the app's validator. */
function faultsOf(schema: TSchema, input: unknown) {
  const compile = schemaController.compilersFactory?.buildValidator as unknown as () => (route: {
    schema: TSchema
  }) => (value: unknown) => { error?: { errors: { path: string; message: string }[] } }
  const { error } = compile()({ schema })(input)
  return error?.errors.map(({ path, message }) => [path, message]) ?? []
}

t.test('names each invalid property once, with a readable message', t => {
  for (const [input, faults] of cases) {
    t.strictSame(faultsOf(Body, input), Object.entries(faults), JSON.stringify(input))
  }
  t.strictSame(faultsOf(Body, { code }), [])
  t.end()
})

t.test('reports the faults of the closest alternative', t => {
  const link = Type.Object({ token: Type.String(), password: Type.String() }, { additionalProperties: false })
  const byCode = Type.Object(
    { requestToken: Type.String(), code: Type.String(), password: Type.String() },
    { additionalProperties: false },
  )
  const union = { oneOf: [link, byCode] } as unknown as TSchema
  const password = 'x'
  const inputs: [input: object, faults: Record<string, string>][] = [
    [{ token: 'x' }, { '/password': 'is required' }],
    [{ requestToken: 'x', password }, { '/code': 'is required' }],
    [{ code: 'x', password }, { '/requestToken': 'is required' }],
    [{ token: 'x', code: 'x', password }, { '/code': 'is not a known property' }],
    [{ token: 'x', requestToken: 'x', code: 'x', password }, { '/token': 'is not a known property' }],
    [{}, { '/token': 'is required', '/password': 'is required' }],
  ]
  for (const [input, faults] of inputs) {
    t.strictSame(faultsOf(union, input), Object.entries(faults), JSON.stringify(input))
  }
  t.strictSame(faultsOf(union, { token: 'x', password }), [])
  t.strictSame(faultsOf(union, { requestToken: 'x', code: 'x', password }), [])
  t.end()
})

t.test('limits the number and length of unknown names in an error', async t => {
  const { app } = await startApp(t)
  const send = (payload: object) => app.inject({ method: 'POST', url: '/login', payload })
  const many = isProblemOf(
    t,
    await send(Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`p${index}`, 1]))),
    'validation_failed',
  )
  t.equal(many.errors?.length, 64)
  t.match(
    many.errors?.slice(0, 2),
    [{ path: '/email' }, { path: '/password' }],
    'missing properties come first',
  )
  const long = isProblemOf(t, await send({ ['\u{1f600}'.repeat(2000)]: 1 }), 'validation_failed')
  for (const { path } of long.errors ?? []) t.ok(path.length <= 1024 && path.isWellFormed())
})
