/** The catalogue of errors against the contract, the source and the documentation. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Compile } from 'typebox/compile'
import {
  CATALOGUE,
  isProblem,
  Problem,
  type ProblemCode,
  problem,
  problemDocument,
  problems,
} from '../../src/errors.ts'

const root = fileURLToPath(import.meta.resolve('#root/package.json')).replace(/package\.json$/, '')

/** The promised statuses; a change here is a change of the contract. */
const CONTRACT = {
  validation_failed: 400,
  malformed_json: 400,
  bad_request: 400,
  token_invalid: 400,
  token_expired: 400,
  token_spent: 400,
  code_invalid: 400,
  invalid_credentials: 401,
  unauthenticated: 401,
  api_key_invalid: 401,
  refresh_token_invalid: 401,
  invalid_password: 403,
  email_not_confirmed: 403,
  account_disabled: 403,
  insufficient_scope: 403,
  origin_not_allowed: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  email_taken: 409,
  mail_not_changeable: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  password_rejected: 422,
  rate_limited: 429,
  headers_too_large: 431,
  internal_error: 500,
  overloaded: 503,
  not_ready: 503,
}

const codes = Object.keys(CATALOGUE) as ProblemCode[]

t.test('every code has the status of the contract and a unique title', t => {
  t.strictSame(Object.fromEntries(codes.map(code => [code, CATALOGUE[code][0]])), CONTRACT)
  t.equal(new Set(codes.map(code => CATALOGUE[code][1])).size, codes.length)
  for (const code of codes) t.match(code, /^[a-z]+(_[a-z]+)*$/, `${code} is snake_case`)
  t.end()
})

t.test('docs/errors.md lists exactly these codes, with their statuses', t => {
  const documentation = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  const rows = [...documentation.matchAll(/^\| `([^`]+)` \| (\d+) \|/gm)]
  t.equal(rows.length, codes.length, 'none twice')
  t.strictSame(Object.fromEntries(rows.map(([, code, status]) => [code, Number(status)])), CONTRACT)
  t.end()
})

t.test('the source raises exactly the codes of the catalogue', t => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts') && !path.startsWith('generated'))
    .map(path => ({ path, text: readFileSync(join(root, 'src', path), 'utf8') }))
  const raised = new Set<string>()
  for (const { path, text } of sources) {
    for (const [, code = ''] of text.matchAll(/\bproblem\(\s*'([^']*)'/g)) {
      raised.add(code)
      t.ok(code in CATALOGUE, `${path}: ${code}`)
    }
    // Tables that map foreign errors to codes.
    for (const [, code = ''] of text.matchAll(/^ {2}[A-Z_]+: '([a-z_]+)',$/gm)) raised.add(code)
  }
  t.ok(raised.size > 15, 'the source was read')
  // Raised by the change of a password.
  const announced = ['code_invalid']
  t.strictSame(
    codes.filter(code => !raised.has(code) && !announced.includes(code)),
    [],
  )
  t.end()
})

t.test('a problem document contains the declared properties only', t => {
  const schema = Compile(Problem)
  for (const code of codes) {
    const error = problem(code, {
      detail: 'what happened',
      cause: new Error('a secret'),
      retryAfter: 3,
      headers: { allow: 'POST' },
      errors: [{ path: '/email', message: 'must be one' }],
    })
    t.ok(isProblem(error))
    const document = problemDocument(error, 'request-1')
    t.ok(schema.Check(document), code)
    t.notMatch(JSON.stringify(document), /secret|stack|POST/, `${code}: the cause stays inside`)
    t.match(document, { status: CONTRACT[code], code, detail: 'what happened', requestId: 'request-1' })
    t.equal(
      problemDocument(problem(code), 'x').detail,
      CATALOGUE[code][1],
      `${code}: the title is clear without the code`,
    )
  }
  t.notOk(isProblem(new Error('x')))
  t.notOk(isProblem({ name: 'Problem' }))
  t.notOk(isProblem(undefined))
  t.end()
})

t.test('a route declares its own errors and those that every route may have', t => {
  const declared = problems('token_invalid', 'token_spent', 'not_ready') as Record<
    string,
    { content: Record<string, { examples: Record<string, { value: Problem }> }> }
  >
  t.strictSame(Object.keys(declared), ['400', '429', '500', '503'])
  const schema = Compile(Problem)
  const seen = Object.entries(declared).flatMap(([status, { content }]) =>
    Object.entries(content['application/problem+json']?.examples ?? {}).map(([code, { value }]) => {
      t.ok(schema.Check(value), `${code}: the example is of the declared form`)
      t.equal(value.status, Number(status), `${code}: its status`)
      return code
    }),
  )
  t.strictSame(seen, [
    'token_invalid',
    'token_spent',
    'rate_limited',
    'internal_error',
    'not_ready',
    'overloaded',
  ])
  t.end()
})
