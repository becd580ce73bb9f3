/** The framework of the command line: parsing of commands, errors of a call, and reports of failures. */
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { runCommandLine, type Surroundings } from '../../../src/cli/cli.ts'
import { type Command, EXIT_CODES } from '../../../src/cli/command.ts'
import { GROUPS } from '../../../src/cli/commands.ts'
import { optionsOf, synopsis } from '../../../src/cli/help.ts'
import { facts, printable, table } from '../../../src/cli/table.ts'
import { emptyFolder } from '../../harness/process.ts'

const { version } = JSON.parse(readFileSync(new URL(import.meta.resolve('#root/package.json')), 'utf8'))

const commands: Command[] = []
for (const group of GROUPS) commands.push(...(await group.load()))

/** Options that a command requires. */
const NEEDED: Record<string, string[]> = {
  'keys create': ['--all-scopes'],
  'users set-claims': ['--no-roles'],
}

/** One call in this process: its output and its exit code. */
async function call(argv: string[], surroundings: Partial<Surroundings> = {}) {
  const written = { out: '', err: '' }
  const code = await runCommandLine(argv, {
    environment: async () => ({}),
    now: () => new Date(),
    out: text => {
      written.out += text
    },
    err: text => {
      written.err += text
    },
    ...surroundings,
  })
  return { code, ...written }
}

t.test('each call ends with its exit code and message', async t => {
  const calls: [line: string, code: number, out: RegExp, err: RegExp][] = [
    ['', 0, /^latchkey serves accounts.*Exit codes:\n {2}0 {2}success/s, /^$/],
    ['--help', 0, /^latchkey serves accounts/, /^$/],
    ['-h', 0, /^latchkey serves accounts/, /^$/],
    ['help', 0, /^latchkey serves accounts/, /^$/],
    ['help migrate', 0, /Usage: latchkey migrate \[options\]/, /^$/],
    ['migrate --help', 0, /Usage: latchkey migrate \[options\]/, /^$/],
    ['serve --help', 0, /Usage: latchkey serve\n\nOptions:\n {2}-h, --help {2}print this help\n$/, /^$/],
    ['version', 0, new RegExp(`^latchkey ${version} on Node `), /^$/],
    ['--version', 0, new RegExp(`^latchkey ${version} on Node `), /^$/],
    ['version --json', 0, new RegExp(`^\\{"version":"${version}","node":"[\\d.]+"\\}\n$`), /^$/],
    ['--version --json', 0, /^\{"version":/, /^$/],
    ['--json version', 2, /^$/, /^\{"code":"usage","message":".*--help.*"\}\n$/],
    [
      'frobnicate',
      2,
      /^$/,
      /^latchkey: There is no command "frobnicate"\. latchkey --help lists the commands\.\n$/,
    ],
    ['frobnicate --help', 2, /^$/, /There is no command "frobnicate"/],
    ['version --yes', 2, /^$/, /^latchkey: Unknown option '--yes'\. See latchkey version --help\.\n$/],
    ['version --json=1', 2, /^$/, /See latchkey version --help/],
    [
      'version 2',
      2,
      /^$/,
      /^latchkey: Usage: latchkey version \[options\]\. See latchkey version --help\.\n$/,
    ],
    ['serve 8080', 2, /^$/, /Usage: latchkey serve/],
    ['serve --json', 2, /^$/, /configuration is in the environment/],
  ]
  for (const [line, code, out, err] of calls) {
    const result = await call(line === '' ? [] : line.split(' '))
    t.equal(result.code, code, line)
    t.match(result.out, out, line)
    t.match(result.err, err, line)
  }
})

t.test('the help of each command names its parameters and options', async t => {
  const faults: string[] = []
  for (const command of commands) {
    const { code, out } = await call([...command.name.split(' '), '--help'])
    const named = [
      ...Object.keys(command.parameters ?? {}).map(name => name.replace('...', '')),
      synopsis(command),
    ]
    const options = Object.keys(optionsOf(command)).map(name => `--${name}`)
    for (const text of [...named, ...options])
      if (!out.includes(text)) faults.push(`${command.name}: ${text}`)
    if (code !== 0) faults.push(`${command.name}: ${code}`)
  }
  t.strictSame(faults, [])
})

t.test('no command creates a missing database', async t => {
  const folder = emptyFolder(t)
  const environment = async () => ({ DATABASE_URL: `file:${folder}/none/latchkey.db` })
  const faults: string[] = []
  for (const command of commands) {
    if (['serve', 'migrate', 'version'].includes(command.name)) continue
    const parameters = Object.keys(command.parameters ?? {}).map(() => 'ada@example.org')
    const flags = [...(command.question ? ['--yes'] : []), ...(NEEDED[command.name] ?? [])]
    const { code, err } = await call([...command.name.split(' '), ...parameters, ...flags], { environment })
    if (code !== 5 || !err.includes(`There is no database at ${folder}/none/latchkey.db`)) {
      faults.push(`${command.name}: ${code} ${err}`)
    }
  }
  t.strictSame(faults, [])
  t.notOk(existsSync(`${folder}/none`))
})

t.test('an invalid DATABASE_URL is reported without its password', async t => {
  const environment = async () => ({ DATABASE_URL: 'mysql://root:geheim@localhost/x' })
  const { code, err } = await call(['migrate'], { environment })
  t.equal(code, 2)
  t.match(err, /DATABASE_URL: expected/)
  t.notMatch(err, /geheim/)
})

t.test('stored text cannot move the cursor of a terminal or hide text', async t => {
  t.equal(printable('550 \u001b[2Jno\u202esuch\nuser\u0007\u009b1m'), '550 ?[2Jno?such?user??1m')
  t.equal(printable(new Date('2026-01-31T09:30:00.123Z')), '2026-01-31 09:30:00Z')
  t.strictSame([null, undefined, '', 0, true, false].map(printable), ['-', '-', '-', '0', 'yes', 'no'])
  t.equal(
    table(
      ['name', 'n'],
      [
        ['ada', 1],
        ['a\tb', null],
      ],
    ),
    'NAME  N\nada   1\na?b   -',
  )
  t.equal(
    facts([
      ['id', 'x'],
      ['created', null],
    ]),
    'id       x\ncreated  -',
  )
})

t.test('exit codes are listed once each', async t => {
  t.strictSame(
    EXIT_CODES.map(([code]) => code),
    [0, 1, 2, 3, 4, 5],
  )
})
