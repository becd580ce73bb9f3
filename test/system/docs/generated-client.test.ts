/** A client that is generated from the OpenAPI document is checked by the compiler. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { clientTypes, generateTypes, TYPES } from '../../../openapi/client-types.ts'
import { DOCUMENT } from '../../../openapi/export.ts'

const BIN = fileURLToPath(new URL('node_modules', import.meta.resolve('#root/package.json')))

/** What a front end writes. */
const FRONT_END = `
import type { components, operations } from './api.js'

type Refusal = operations['logIn']['responses'][403]['content']['application/problem+json']
type WrongPassword = operations['deleteMe']['responses'][403]['content']['application/problem+json']
type Reset = operations['confirmPasswordReset']['requestBody']['content']['application/json']
type Refresh = operations['refresh']['requestBody']['content']['application/json']
type Schemas = components['schemas']

export function sentence(problem: Refusal): string {
  switch (problem.code) {
    case 'email_not_confirmed':
      return 'Confirm your address first.'
    case 'account_disabled':
      return problem.detail
    case 'origin_not_allowed':
      return problem.requestId
  }
}
export const wrong = (problem: WrongPassword): 'invalid_password' => problem.code
export const resets: Reset[] = [
  { token: 'a.b.c', newPassword: 'x' },
  { requestToken: 'a.b.c', code: '12345678', newPassword: 'x' },
]
export const refreshes: Refresh[] = [{ refreshToken: 'x' }, { mode: 'cookie' }]
export const page: operations['listEvents']['parameters']['query'] = { limit: 10 }
export const lines = (user: Schemas['User'], sessions: Schemas['Session'][], events: Schemas['Event'][]) => [
  user.email,
  ...sessions.map(({ device }) => device),
  ...events.map(({ kind }) => kind),
]
export const faults = (errors: Schemas['ValidationError'][]) => errors.map(({ path }) => path)
`

/** Each of these is one mistake, with the code of the compiler's error. */
const MISTAKES: [what: string, error: string, code: string][] = [
  [
    'a code that does not exist',
    'TS2678',
    "export const a = (problem: Refusal) => { switch (problem.code) { case 'account_closed': return 1 } }",
  ],
  [
    'a code of another response',
    'TS2678',
    "export const b = (problem: Refusal) => { switch (problem.code) { case 'rate_limited': return 1 } }",
  ],
  [
    'a code that is forgotten',
    'TS2366',
    "export function c(problem: Refusal): 1 { switch (problem.code) { case 'account_disabled': return 1 } }",
  ],
  ['half of a form', 'TS2322', "export const d: Reset = { code: '12345678', newPassword: 'x' }"],
  ['none of the forms', 'TS2322', 'export const e: Refresh = {}'],
  ['text for a number', 'TS2322', "export const f: typeof page = { limit: '10' }"],
  ['a field that does not exist', 'TS2339', "export const g = (user: Schemas['User']) => user.password"],
]

t.test('a switch over codes and the forms of bodies are checked', async t => {
  const folder = t.testdir({
    'package.json': '{"type":"module"}',
    'tsconfig.json': JSON.stringify({
      compilerOptions: { strict: true, noEmit: true, target: 'es2022', module: 'nodenext', types: [] },
    }),
  })
  const document = readFileSync(DOCUMENT, 'utf8')
  writeFileSync(join(folder, 'api.ts'), generateTypes(document))
  const compile = (...lines: string[]) => {
    writeFileSync(join(folder, 'front-end.ts'), [FRONT_END, ...lines].join('\n'))
    // The runner sets FORCE_COLOR, and puts a loader into every child's NODE_OPTIONS that cannot load the compiler.
    const tsc = [join(BIN, '.bin/tsc'), '-p', folder, '--pretty', 'false']
    const { status, stdout, stderr } = spawnSync('env', ['-u', 'NODE_OPTIONS', ...tsc], { encoding: 'utf8' })
    const found = [...stdout.matchAll(/front-end\.ts\((\d+),\d+\): error (TS\d+)/g)]
    const errors = found.map(([, line, code]) => [Number(line) - FRONT_END.split('\n').length, code])
    return { status, output: stdout + stderr, errors }
  }
  const { status, output } = compile()
  t.strictSame({ status, output }, { status: 0, output: '' }, 'a front end without a mistake compiles')
  const { errors } = compile(...MISTAKES.map(([, , code]) => code))
  for (const [index, [what, error]] of MISTAKES.entries()) {
    const found = errors.filter(([line]) => line === index + 1).map(([, code]) => code)
    t.strictSame(found, [error], what)
  }
})

t.test('the types of client/ are those of the document', async t => {
  t.equal(
    readFileSync(TYPES, 'utf8'),
    clientTypes(readFileSync(DOCUMENT, 'utf8')),
    'npm run openapi writes them',
  )
})
