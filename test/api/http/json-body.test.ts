/** Strict parsing of bodies, on every route that takes one, as the OpenAPI document lists them. */
import t, { type Test } from 'tap'
import type { ProblemCode } from '../../../src/errors.ts'
import { confirmedAccount, startApp, type TestApp } from '../../harness/app.ts'
import { isProblemOf } from '../../harness/problem.ts'
import { onTheWire, requestText } from '../../harness/raw-http.ts'
import { openRows } from '../../harness/rows.ts'

/** A valid value of every property. */
const SAMPLES: Record<string, string> = {
  email: 'ada@example.org',
  password: 'correct horse battery staple',
  newPassword: 'another password altogether',
  locale: 'fr-CA',
  token: 'a.b.c',
  refreshToken: 'x'.repeat(86),
  requestToken: 'd.e.f',
  changeToken: 'g.h.i',
  code: '87654321',
  currentPassword: 'the password of today',
  newEmail: 'grace@example.org',
  mode: 'cookie',
}

const BODY_LIMIT = 16 * 1024
const JSON_TYPE = 'application/json'

interface Route {
  url: string
  /** Whether a body is required. */
  bodyRequired: boolean
  required: string[]
  properties: string[]
}

/** The routes with a body, from the OpenAPI document of the service. */
async function routesWithBody({ app }: TestApp): Promise<Route[]> {
  const { paths = {} } = (await app.openapi()) as { paths?: Record<string, { post?: Operation }> }
  const routes = Object.entries(paths).flatMap(([url, { post }]) => {
    const { required: bodyRequired = false, content = {} } = post?.requestBody ?? {}
    const schema = content[JSON_TYPE]?.schema
    if (schema === undefined) return []
    // The first alternative is the one whose missing properties are reported if nothing distinguishes them.
    const [form = schema] = schema.oneOf ?? []
    return [form].map(({ required = [], properties }) => ({
      ...{ url, bodyRequired, required },
      properties: Object.keys(properties),
    }))
  })
  if (routes.length < 7) throw new Error('the document lists too few routes with a body')
  return routes
}

interface Operation {
  requestBody?: {
    required?: boolean
    content: Record<string, { schema: BodySchema & { oneOf?: BodySchema[] } }>
  }
}

interface BodySchema {
  required?: string[]
  properties: object
}

function valid({ properties }: Route): Record<string, string> {
  return Object.fromEntries(
    properties.map(name => {
      const value = SAMPLES[name]
      if (value === undefined) throw new Error(`no sample for ${name}: add one, and think what could be sent`)
      return [name, value]
    }),
  )
}

/** Sends bytes to each route and asserts the response; then no request may have had an effect. */
async function everyRoute(
  t: Test,
  expected: ProblemCode,
  makeCases: (route: Route) => Record<string, { payload?: string | Buffer; type?: string; path?: string }>,
) {
  const service = await startApp(t)
  const rows = await openRows(t, service.databaseUrl)
  // Routes with authentication read the body only with a valid session.
  const { accessToken } = await confirmedAccount(
    service,
    'somebody@example.org',
    'a password that is not sent',
  )
  await rows.settled()
  const before = { rows: await rows.dump(), mails: service.smtp.mails.length }
  const authorization = `Bearer ${accessToken}`
  const wrong: string[] = []
  for (const route of await routesWithBody(service)) {
    for (const [what, { payload, type = JSON_TYPE, path }] of Object.entries(makeCases(route))) {
      const response = await service.app.inject({
        method: 'POST',
        url: route.url,
        headers: { authorization, ...(type !== '' && { 'content-type': type }) },
        ...(payload !== undefined && { payload }),
      })
      const name = `${route.url}: ${what}`
      const { errors } = isProblemOf(t, response, expected, name)
      if (path !== undefined && !errors?.some(fault => fault.path === path)) wrong.push(`${name}: where`)
      if ((errors !== undefined) !== (expected === 'validation_failed')) wrong.push(`${name}: errors`)
      // `mode` has a single value, which its error names.
      const samples = Object.entries(SAMPLES).filter(([property]) => property !== 'mode')
      const quoted = samples.filter(([, sample]) => response.body.includes(sample))
      if (quoted.length > 0) wrong.push(`${name}: quotes ${quoted}`)
    }
  }
  t.strictSame(wrong, [], 'each says where it is wrong, lists faults of input alone, and quotes nothing')
  t.strictSame(await rows.dump(), before.rows, 'no row')
  t.equal(service.smtp.mails.length, before.mails, 'no mail')
  t.strictSame(
    service.log.filter(line => Number(line['level']) >= 50),
    [],
    'and no error in the log',
  )
}

/** The text of an object with one more member in front. */
function withMember(body: object, member: string) {
  return `{${member},${JSON.stringify(body).slice(1)}`
}

t.test('names the invalid properties of a body', t =>
  everyRoute(t, 'validation_failed', route => {
    const body = valid(route)
    const nested = route.required[0] ?? (route.properties[0] as string)
    const cases: Record<string, { payload?: string; type?: string; path?: string }> = {
      'an unknown property': { payload: JSON.stringify({ ...body, admin: true }), path: '/admin' },
      'a property in other case': {
        payload: withMember(body, `"${route.properties[0]?.toUpperCase()}":"x"`),
        path: `/${route.properties[0]?.toUpperCase()}`,
      },
      __proto__: { payload: withMember(body, '"__proto__":{"admin":true}'), path: '/__proto__' },
      constructor: { payload: withMember(body, '"constructor":{"prototype":{}}'), path: '/constructor' },
      hasOwnProperty: { payload: withMember(body, '"hasOwnProperty":1'), path: '/hasOwnProperty' },
      'nested __proto__': {
        payload: JSON.stringify({ ...body, [nested]: 0 }).replace(':0', ':{"__proto__":"x"}'),
        path: `/${nested}`,
      },
      'a list': { payload: `[${JSON.stringify(body)}]`, path: '' },
      'a string': { payload: JSON.stringify(JSON.stringify(body)), path: '' },
      'a number': { payload: '0', path: '' },
      'lists 8000 deep': { payload: '['.repeat(8000) + ']'.repeat(8000), path: '' },
      'objects 2500 deep': { payload: `${'{"a":'.repeat(2500)}1${'}'.repeat(2500)}`, path: '/a' },
      ...(route.bodyRequired && {
        'an empty object': { payload: '{}' },
        'an empty body': { payload: '' },
        'an empty form': { payload: '', type: 'application/x-www-form-urlencoded' },
        'an empty body of a broken type': { payload: '', type: 'undefined' },
        'no body and no type': { type: '' },
        null: { payload: 'null' },
      }),
    }
    for (const name of route.required) {
      const { [name]: _missing, ...rest } = body
      cases[`without ${name}`] = { payload: JSON.stringify(rest), path: `/${name}` }
    }
    for (const name of route.properties) {
      const { [name]: _replaced, ...rest } = body
      const values = ['1', 'true', 'null', '{}', '[]', '["x"]', '1e999', '-0', '9'.repeat(12_000), '""']
      for (const value of [...values, '['.repeat(2000) + ']'.repeat(2000)]) {
        cases[`${name}: ${value.slice(0, 20)}`] = {
          payload: `{${JSON.stringify(rest).slice(1, -1)}${Object.keys(rest).length ? ',' : ''}"${name}":${value}}`,
          path: `/${name}`,
        }
      }
    }
    return cases
  }),
)

t.test('invalid UTF-8, invalid JSON and duplicate keys are malformed', t =>
  everyRoute(t, 'malformed_json', route => {
    const body = JSON.stringify(valid(route))
    const [name = '', value = ''] = Object.entries(valid(route))[0] ?? []
    const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`
    const middle = body.indexOf(value) + 2
    const inside = (...bytes: number[]) =>
      Buffer.concat([Buffer.from(body.slice(0, middle)), Buffer.from(bytes), Buffer.from(body.slice(middle))])
    return {
      'a key twice': { payload: withMember(JSON.parse(body), `"${name}":"x"`) },
      'a key twice with the same value': { payload: withMember(JSON.parse(body), `"${name}":"${value}"`) },
      'a key twice, once by escape': { payload: withMember(JSON.parse(body), `"${escaped}":"x"`) },
      'a key twice, both by escape': { payload: `{"${escaped}":"x","${escaped}":"y"}` },
      'a key twice, deep inside': { payload: withMember(JSON.parse(body), '"a":[{"b":{"c":1,"c":2}}]') },
      '__proto__ twice': { payload: withMember(JSON.parse(body), '"__proto__":1,"__proto__":2') },
      'a stray continuation byte': { payload: inside(0x80) },
      'a truncated sequence': { payload: inside(0xc3) },
      'a truncated sequence at the end': {
        payload: Buffer.concat([Buffer.from('"'), Buffer.from([0xe2, 0x82])]),
      },
      'an overlong slash': { payload: inside(0xc0, 0xaf) },
      'a surrogate in UTF-8': { payload: inside(0xed, 0xa0, 0x80) },
      'beyond Unicode': { payload: inside(0xf5, 0x80, 0x80, 0x80) },
      'Latin-1': { payload: inside(0xe9) },
      'UTF-16': { payload: Buffer.from(`\ufeff${body}`, 'utf16le') },
      'a byte order mark in the middle': { payload: body.replace(':', ':\ufeff') },
      'cut off': { payload: body.slice(0, -1) },
      'cut off in a string': { payload: body.slice(0, middle) },
      'two values': { payload: `${body}${body}` },
      'something behind it': { payload: `${body}x` },
      'a comma too many': { payload: body.replace('}', ',}') },
      'a comment': { payload: `/* */${body}` },
      'single quotes': { payload: body.replaceAll('"', "'") },
      'keys without quotes': { payload: body.replace(`"${name}"`, name) },
      'a raw control character': { payload: inside(0x0a) },
      'a bad escape': { payload: inside(...Buffer.from('\\x41')) },
      'a number that is none': { payload: `{"${name}":NaN}` },
      'a number with a leading zero': { payload: `{"${name}":01}` },
      'lists 8000 deep, never closed': { payload: '['.repeat(8000) },
      'white space alone': { payload: ' \r\n ' },
      'a form': { payload: 'email=ada%40example.org' },
      XML: { payload: '<email/>' },
      'a NUL': { payload: '\0' },
    }
  }),
)

t.test('accepts application/json in UTF-8 only', t =>
  everyRoute(t, 'unsupported_media_type', route => {
    const payload = JSON.stringify(valid(route))
    const types = [
      'text/plain',
      'text/plain; charset=utf-8',
      'text/json',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/xml',
      'application/octet-stream',
      'application/problem+json',
      'application/vnd.api+json',
      'application/jsonp',
      'application/json; charset=latin1',
      'application/json; charset="iso-8859-1"',
      'application/json; charset=utf-16',
      'application/json; x=y; charset=utf-7',
      'application/json; charset=utf-8; charset=latin1',
      'application/json; x="a;charset=utf-8";charset=utf-16',
      'json',
      '*/*',
      'application/*',
    ]
    const cases: Record<string, { payload: string; type: string }> = {}
    for (const type of types) cases[type] = { payload, type }
    return cases
  }),
)

t.test('a body one byte over the limit is too large', t =>
  everyRoute(t, 'payload_too_large', route => {
    const body = JSON.stringify(valid(route))
    return {
      'white space behind it': { payload: body.padEnd(BODY_LIMIT + 1) },
      'one long string': { payload: JSON.stringify('x'.repeat(BODY_LIMIT - 1)) },
      'no JSON at all': { payload: '{'.repeat(BODY_LIMIT + 1) },
    }
  }),
)

t.test(
  'accepts white space up to the limit, parameters of the type, escapes and a byte order mark',
  async t => {
    const service = await startApp(t)
    const body = JSON.stringify({ email: 'ada@example.org' })
    const passing: [what: string, payload: string, type: string][] = [
      ['plain', body, JSON_TYPE],
      ['to the last byte', body.padEnd(BODY_LIMIT), JSON_TYPE],
      ['charset', body, 'application/json;charset=UTF-8'],
      ['charset in quotes', body, 'application/json; charset="utf-8"'],
      ['another case', body, 'Application/JSON'],
      ['escapes', '{"\\u0065mail":"ada\\u0040example.org"}', JSON_TYPE],
      ['a string that looks like members', '{"email":"ada{\\"a\\":1}@example.org"}', JSON_TYPE],
      ['a byte order mark before it, which RFC 8259 lets a reader ignore', `\ufeff${body}`, JSON_TYPE],
    ]
    for (const [what, payload, type] of passing) {
      const headers = { 'content-type': type }
      const url = '/password-reset/request'
      const { statusCode } = await service.app.inject({ method: 'POST', url, headers, payload })
      t.equal(statusCode, what.startsWith('a string') ? 400 : 202, what)
    }
    const quoted = await service.app.inject({
      method: 'POST',
      url: '/login',
      headers: { 'content-type': JSON_TYPE },
      payload: '{"email":"ada@example.org","password":"\\"email\\":\\"x\\", \\\\\\":"}',
    })
    isProblemOf(t, quoted, 'invalid_credentials', 'a password that looks like a second key is no second key')
  },
)

t.test('a 415 names the accepted types', async t => {
  const { app } = await startApp(t)
  const send = (headers: Record<string, string>, payload = '{"email":"ada@example.org"}') =>
    app.inject({ method: 'POST', url: '/password-reset/request', headers, payload })
  const typed = await send({ 'content-type': 'text/plain' })
  isProblemOf(t, typed, 'unsupported_media_type', 'a type')
  t.equal(typed.headers['accept'], 'application/json')
  t.equal(typed.headers['accept-encoding'], undefined)
  for (const coding of ['gzip', 'br', 'GZIP', 'deflate', 'identity, gzip', 'gzip, identity', 'x']) {
    const refused = await send({ 'content-type': JSON_TYPE, 'content-encoding': coding })
    isProblemOf(t, refused, 'unsupported_media_type', coding)
    t.equal(refused.headers['accept-encoding'], 'identity', coding)
    t.equal(refused.headers['accept'], undefined, `${coding}: the type was right`)
  }
  for (const coding of ['identity', 'Identity', '']) {
    const { statusCode } = await send({ 'content-type': JSON_TYPE, 'content-encoding': coding })
    t.equal(statusCode, 202, JSON.stringify(coding))
  }
})

t.test('a body without content has no type to check, by length or in chunks', async t => {
  const service = await startApp(t)
  const { exchange } = await onTheWire(service.app)
  const { email, password } = await confirmedAccount(service)
  const framings: [field: string, body: string][] = [
    ['Content-Length: 0', ''],
    ['Transfer-Encoding: chunked', '0\r\n\r\n'],
  ]
  const types = ['application/x-www-form-urlencoded', 'text/plain', JSON_TYPE, undefined]
  for (const [framing, body] of framings) {
    for (const type of types) {
      const payload = { email, password }
      const { accessToken } = (await service.app.inject({ method: 'POST', url: '/login', payload })).json()
      for (const line of ['DELETE /sessions', 'POST /logout']) {
        const typed = type === undefined ? [] : [`Content-Type: ${type}`]
        const fields = [`Authorization: Bearer ${accessToken}`, ...typed, framing]
        const { answers } = await exchange(requestText(line, { fields, body }), { answers: 1 })
        t.equal(answers[0]?.statusCode, 204, `${line}: ${framing}, ${type}`)
      }
    }
  }
})
