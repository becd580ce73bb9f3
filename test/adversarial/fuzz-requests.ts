// Requests generated from the contract, valid and mutated. Placeholders such as `«password»` stand for real
// values, so that a seed always gives the same request.
import fc, { type Arbitrary } from 'fast-check'
import { type Audience, OPERATIONS, type Operation, type Schema } from './fuzz-contract.ts'

/** Likely values of a parameter or member. */
type Likely = Record<string, unknown[]>

/** Values of a real account; see fuzz-world.ts. */
const OF_CLIENTS: Likely = {
  email: ['«email»', '«email»', '«pending»', 'nobody@example.org', ' «email» '],
  newEmail: ['«other»', '«email»', 'new@example.org'],
  password: ['«password»', '«password»', 'a wrong password'],
  currentPassword: ['«password»', '«password»', 'a wrong password'],
  newPassword: ['a password of the fuzz', '«password»', 'password', 'x'],
  token: ['«reset»', '«confirm»', '«change-email»', '«secure»', '«access»'],
  requestToken: ['«request»', '«confirm-request»', '«move-request»', '«reset»', ' <«request»>\n'],
  changeToken: ['«change»', '«reset»'],
  code: [
    ...['«reset-code»', '«confirm-code»', '«move-code»', '«change-code»', ' «reset-code»\n'],
    ...['00000000', '0000\u00a00000', '０００００００0', '000000'],
  ],
  refreshToken: ['«refresh»', 'x'.repeat(86)],
  mode: ['cookie', 'cookie', 'body'],
  locale: [
    'en-GB',
    'hr',
    'pt_BR.UTF-8',
    'sr_RS@latin',
    'x-y',
    'sh-x-aaaaaaaa-bbbbbbbb-cccccccc-ddd',
    'de-u-co-phonebk',
    'i-klingon',
  ],
  limit: ['1', '100', '101', '0', '-1', '1e2'],
  cursor: ['«session»', '«event»', '00000000-0000-0000-0000-000000000000'],
  id: ['«session»', '«other-session»', '«event»', '«SESSION»'],
}

const OF_OPERATORS: Likely = {
  ...OF_CLIENTS,
  id: ['«user»', '«user»', '«mail»', '«other-key-id»', '«session»'],
  email: ['«email»', 'invited@example.org', 'Ünï@example.org', ' other-invited@example.org '],
  token: ['«access»', '«access»', '«access»x', '«reset»', '«key»', '«refresh»'],
  token_type_hint: ['access_token', 'refresh_token'],
  cursor: ['«user»', '«mail»', '«event»', '0', '1', '9223372036854775807', '9223372036854775808'],
  state: ['active', 'disabled', 'unconfirmed', 'invited', 'queued', 'joined', 'sent', 'dead', 'cancelled'],
  emailPrefix: ['fuzz-', '%', '_', '\\', 'FUZZ', 'a'],
  recipient: ['«email»', '«other»'],
  createdAfter: ['2026-01-31T09:30:00.000Z', '2026-01-31', '0001-01-01T00:00:00Z', '9999-12-31T23:59:60Z'],
  createdBefore: ['2126-01-31T09:30:00.000Z', '2126-01-31T09:30:00+14:00', '10000-01-01T00:00:00Z'],
  roles: [[], ['editor'], ['editor', 'editor'], ['x'.repeat(65)], 'editor'],
  claims: [{}, { plan: 'pro' }, { deep: { list: [1, null, 'x'] } }, { sub: 'x' }, { big: 'x'.repeat(1024) }],
  name: ['support', ' ', 'x'.repeat(100)],
  scopes: [['users:read'], ['users:read', 'users:read'], [], ['everything']],
  expiresAt: ['2126-01-31T09:30:00.000Z', '2026-01-31T09:30:00.000Z', '2126-02-30T00:00:00Z'],
}

const REAL: Record<Audience, Likely> = { clients: OF_CLIENTS, operators: OF_OPERATORS }

/** Text of all planes, with characters that databases and parsers handle badly. */
const text: Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom(
    '',
    ' ',
    '\0',
    'a\0b',
    '\ud800',
    '\udfff\ud800',
    'x\udc00@example.org',
    '\ufeff',
    '\ufffe\uffff',
    '\u202e\u200b',
    '\u{10ffff}',
    '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
    'e\u0301'.repeat(100),
    '\ufdfa'.repeat(128),
    '__proto__',
    "'; DROP TABLE users; --",
    '%00%ff',
    '{{7*7}}',
    '\r\nX: y',
  ),
  fc.integer({ min: 0, max: 1100 }).map(length => 'x'.repeat(length)),
)

/** JSON texts instead of values: JSON.stringify would not write some of them. */
const json: Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: text.map(value => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 4 }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'null',
      'true',
      '0',
      '-0',
      '1e999',
      '-1e-999',
      '9007199254740993',
      '9'.repeat(4000),
      '[]',
      '{}',
      '["a@example.org"]',
      '{"$ne":null}',
      '{"__proto__":{"isAdmin":true}}',
      '{"constructor":{"prototype":{"x":1}}}',
      '{"toString":1,"valueOf":1}',
      '{"length":1e9}',
      '"\\ud800"',
      '"\\u0000"',
      `${'['.repeat(5000)}${']'.repeat(5000)}`,
      `${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`,
      'NaN',
      '01',
      "'x'",
    ),
  },
)

/** Lengths at the bounds of the schema. */
function atTheEdges({ minLength = 0, maxLength = 4096 }: Schema): Arbitrary<string> {
  const lengths = [minLength - 1, minLength, maxLength, maxLength + 1].filter(length => length >= 0)
  return fc
    .tuple(fc.constantFrom(...lengths), fc.constantFrom('x', '\u00e9', '\u{1f600}', '1', '.', '@'))
    .map(([length, unit]) => JSON.stringify(unit.repeat(length).slice(0, length)))
}

function real(name: string, likely: Likely): Arbitrary<string> {
  const values = likely[name]
  if (values === undefined)
    throw new Error(`no real value for ${name}: add one, and think what could be sent`)
  return fc.constantFrom(...values).map(value => JSON.stringify(value))
}

/** One member of a body: its name and the JSON text of its value. */
type Member = [name: string, value: string]

const strangeName = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'prototype',
    'hasOwnProperty',
    'toJSON',
    'then',
    '',
    '\0',
    '$where',
  ),
  text,
)

function bodyOf(schema: Schema, valid: boolean, likely: Likely): Arbitrary<string> {
  const names = Object.keys(schema.properties ?? {})
  const members = fc.tuple(
    ...names.map(name => {
      const one = schema.properties?.[name] ?? {}
      const value = valid
        ? real(name, likely)
        : fc.oneof(
            { weight: 6, arbitrary: real(name, likely) },
            { weight: 1, arbitrary: json },
            { weight: 1, arbitrary: atTheEdges(one) },
          )
      const present = schema.required?.includes(name) && valid ? fc.constant(true) : fc.boolean()
      return fc.tuple(value, present).map(([text, there]) => (there ? [[name, text] as Member] : []))
    }),
  )
  const objects = members.map(list => list.flat())
  if (valid) return objects.map(writeObject)
  const more = fc.oneof(
    { weight: 5, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.tuple(strangeName, json), { minLength: 1, maxLength: 12 }) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...names), json).map(one => [one]) },
  )
  return fc.tuple(objects, more).chain(([list, extra]) => {
    const whole = writeObject([...list, ...extra])
    return fc.oneof(
      { weight: 8, arbitrary: fc.constant(whole) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          `[${whole}]`,
          `${whole}${whole}`,
          `\ufeff${whole}`,
          whole.padEnd(16_384),
          whole.padEnd(16_385),
          '',
        ),
      },
      { weight: 1, arbitrary: json },
    )
  })
}

const writeObject = (members: Member[]) =>
  `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`

/** A body as fields of a form, some of them twice. */
function formOf(schema: Schema, valid: boolean, likely: Likely): Arbitrary<string> {
  const names = Object.keys(schema.properties ?? {})
  const value = (name: string) => fc.constantFrom(...(likely[name] as string[]))
  if (valid) return value(names[0] as string).map(token => `${names[0]}=${token}`)
  const field = fc.tuple(
    fc.oneof(fc.constantFrom(...names), strangeName.map(encode)),
    fc.oneof(
      ...names.map(value),
      text.map(encode),
      fc.constantFrom('', '+', '%', '%zz', '%00', '%c3%28', 'x'.repeat(4097)),
    ),
  )
  return fc
    .array(field, { maxLength: 4 })
    .map(fields => fields.map(pair => pair.join('=')).join('&'))
    .chain(form => fc.constantFrom(form, form, `${form}&`, `&&${form}`, '&'.repeat(16_384), '='))
}

/** Mutations of the bytes of a body. */
export interface Damage {
  at: number
  remove: number
  insert: Uint8Array
}

const damage: Arbitrary<Damage | undefined> = fc.option(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat(20),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 8 }),
      fc
        .constantFrom([0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82], [0])
        .map(bytes => Uint8Array.from(bytes)),
    ),
  }),
  { freq: 6, nil: undefined },
)

/**
 * Field values as Node's parser lets them through: no NUL, CR, LF or other control but tab; bytes, not
 * characters.
 */
const fieldValue: Arbitrary<string> = fc.oneof(
  fc
    .array(
      fc.integer({ min: 0x20, max: 0xff }).filter(byte => byte !== 0x7f),
      { maxLength: 60 },
    )
    .map(bytes => String.fromCharCode(...bytes).trim()),
  fc.constantFrom(
    '',
    ',',
    ';;',
    '*',
    'x'.repeat(10_000),
    'a,'.repeat(3000),
    '\t \t',
    '"',
    '=;=',
    'en;q=NaN,de;q=1e999,*;q=-1',
  ),
)

const FIELDS = {
  'x-forwarded-for': ['192.0.2.1', '192.0.2.1:80, unknown', '::1%zzz', '2001:db8::1'],
  'accept-language': ['de', 'hr-HR,hr;q=0.9', 'zh-Hant-TW;q=1,*;q=0'],
  'user-agent': [
    'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    'curl/8.5.0',
    '('.repeat(500),
    'Mozilla/'.repeat(64),
  ],
  cookie: ['a=b', 'accessToken=«access»', '='],
  accept: ['*/*', 'text/html', 'application/xml;q=1'],
  'accept-encoding': ['gzip', 'identity;q=0'],
  origin: ['null', 'https://evil.example'],
  'if-none-match': ['*', '"x"'],
  range: ['bytes=0-0', 'bytes=9-'],
  expect: ['100-continue', 'x'],
  'x-http-method-override': ['DELETE'],
} satisfies Record<string, string[]>

const fields: Arbitrary<Record<string, string>> = fc
  .record(
    Object.fromEntries(
      Object.entries(FIELDS).map(([name, likely]) => [
        name,
        fc.oneof(fc.constantFrom(...likely), fieldValue),
      ]),
    ),
    { requiredKeys: [] },
  )
  .map(record => record as Record<string, string>)

const TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'APPLICATION/JSON;charset="UTF-8"',
  'application/json; charset=utf-16',
  'application/json;charset=',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=',
  'application/',
  'json',
  ';',
  '',
]

export interface Request {
  operation: Operation
  method: string
  url: string
  headers: Record<string, string>
  body: string | undefined
  damage: Damage | undefined
}

function urlOf({ path, query }: Operation, valid: boolean, likely: Likely): Arbitrary<string> {
  const strange = fc.oneof(
    text.map(encode),
    fc.constantFrom('%', '%zz', '%00', '%c3', '..', '%2e%2e', '%2f', '%zz'.repeat(4000), 'x'.repeat(9000)),
  )
  const value = (name: string) => {
    const values = likely[name]
    if (values === undefined) throw new Error(`no real value for ${name}`)
    const known = fc.constantFrom(...values.map(String))
    return valid ? known : fc.oneof({ weight: 3, arbitrary: known }, { weight: 1, arbitrary: strange })
  }
  const id = value('id')
  const asked = fc.record(Object.fromEntries(query.map(name => [name, value(name)])), { requiredKeys: [] })
  const more = valid
    ? fc.constant('')
    : fc.oneof(
        { weight: 6, arbitrary: fc.constant('') },
        { weight: 1, arbitrary: fc.tuple(text.map(encode), strange).map(pair => pair.join('=')) },
        {
          weight: 1,
          arbitrary: fc.constantFrom('limit=1&limit=2', 'limit[]=1', '__proto__=x', 'a=b&'.repeat(1000), '%'),
        },
      )
  return fc.tuple(id, asked, more).map(([id, asked, more]) => {
    const search = [...Object.entries(asked).map(pair => pair.join('=')), more]
      .filter(part => part !== '')
      .join('&')
    return path.replace('{id}', id) + (search && `?${search}`)
  })
}

const encode = (text: string) => encodeURIComponent(text.toWellFormed())

/** Requests for all operations of one listener; a third of them are valid. */
export function requestsOf(audience: Audience): Arbitrary<Request> {
  const operations = fc.constantFrom(...OPERATIONS[audience])
  return fc
    .tuple(operations, fc.integer({ min: 0, max: 2 }))
    .chain(([operation, kind]) => requestOf(operation, kind === 0, audience))
}

function requestOf(operation: Operation, valid: boolean, audience: Audience): Arbitrary<Request> {
  const likely = REAL[audience]
  const credential = audience === 'operators' ? '«key»' : '«access»'
  const right = fc.constant(`Bearer ${credential}`)
  const wrong = ['', 'Bearer', 'Bearer «reset»', `Basic ${credential}`, `Bearer ${credential}x`]
  const token = valid
    ? right
    : fc.oneof(
        { weight: 4, arbitrary: right },
        { weight: 1, arbitrary: fieldValue },
        { weight: 1, arbitrary: fc.constantFrom(...wrong) },
      )
  const declaredType = fc.constant(operation.type)
  const type = valid
    ? declaredType
    : fc.oneof({ weight: 6, arbitrary: declaredType }, { weight: 1, arbitrary: fc.constantFrom(...TYPES) })
  const write = operation.type === 'application/json' ? bodyOf : formOf
  const forms = (operation.body?.oneOf ?? [operation.body]).filter(form => form !== undefined)
  const declared = forms.length > 0 ? fc.oneof(...forms.map(form => write(form, valid, likely))) : undefined
  const body: Arbitrary<string | undefined> =
    declared ?? (valid ? fc.constant(undefined) : fc.option(json, { freq: 4, nil: undefined }))
  return fc
    .record({
      url: urlOf(operation, valid, likely),
      fields: valid ? fc.constant({} as Record<string, string>) : fields,
      token,
      type,
      body: operation.method === 'GET' ? fc.constant(undefined) : body,
      damage: valid ? fc.constant(undefined) : damage,
      // On a socket, Node's parser rejects wrong lengths; with `inject`, Fastify does.
      length: valid
        ? fc.constant(undefined)
        : fc.option(fc.constantFrom('0', '1', '99999', 'x'), { freq: 20, nil: undefined }),
    })
    .map(({ url, fields, token, type, body, damage, length }) => ({
      operation,
      method: operation.method,
      url,
      headers: {
        ...fields,
        ...(operation.bearer && { authorization: token }),
        ...(body !== undefined && { 'content-type': type }),
        ...(body !== undefined && length !== undefined && { 'content-length': length }),
      },
      body,
      damage,
    }))
}
