import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parse } from 'yaml'
import { BILL } from '../../../deploy/sbom.ts'

interface Instruction {
  name: string
  text: string
}

interface Stage {
  base: string
  name: string
  instructions: Instruction[]
}

const repository = fileURLToPath(new URL('.', import.meta.resolve('#root/package.json')))
const root = (path: string) => join(repository, path)
const read = (path: string) => readFileSync(root(path), 'utf8')

function parseDockerfile(text: string): Stage[] {
  const stages: Stage[] = []
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter(line => line.trim() !== '')
  for (const line of lines) {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    if (name === 'FROM') {
      const [, base = '', stage = ''] = /^(\S+) AS (\S+)$/.exec(rest) ?? []
      stages.push({ base, name: stage, instructions: [] })
    } else {
      stages.at(-1)?.instructions.push({ name, text: rest.trim() })
    }
  }
  return stages
}

const stages = parseDockerfile(read('Dockerfile'))
const final = stages.at(-1) as Stage
const last = (name: string) =>
  final.instructions.filter(instruction => instruction.name === name).at(-1)?.text
const packageJson = JSON.parse(read('package.json')) as {
  version: string
  license: string
  bin: Record<string, string>
  scripts: Record<string, string>
}

t.test('every stage has a pinned base or is made from one', async t => {
  const named = new Set<string>()
  for (const { base, name } of stages) {
    if (!named.has(base)) {
      t.match(base, /^node:22[\w.-]*-slim$/, `${name} is built on ${base}`)
      t.notMatch(base, /latest/)
    }
    named.add(name)
  }
})

t.test('files copied from the repository exist and are in the build context', async t => {
  const letIn = read('.dockerignore')
    .split('\n')
    .filter(line => line.startsWith('!'))
    .map(line => line.slice(1))
  for (const { name, instructions } of stages) {
    for (const { name: instruction, text } of instructions) {
      if (instruction !== 'COPY' || text.startsWith('--from=')) continue
      for (const source of text.split(/\s+/).slice(0, -1)) {
        t.ok(existsSync(root(source)), `${name} copies ${source}`)
        t.ok(letIn.includes(source), `.dockerignore lets ${source} in`)
      }
    }
  }
  t.equal(read('.dockerignore').match(/^[^#\s].*$/m)?.[0], '*', 'everything else is excluded')
  for (const secret of ['.env', 'data', 'node_modules', '.git']) t.notOk(letIn.includes(secret))
})

t.test('files copied from another stage are created there', async t => {
  const made: Record<string, string[]> = {
    build: ['/app/dist/bin', '/app/dist/web', '/app/dist/sbom.cdx.json'],
    dependencies: ['/app/node_modules'],
  }
  const copies = final.instructions.filter(({ name, text }) => name === 'COPY' && text.startsWith('--from='))
  t.equal(copies.length, 4)
  for (const { text } of copies) {
    const [, stage = '', source = ''] = /^--from=(\S+) (\S+) \S+$/.exec(text) ?? []
    t.ok(stages.some(({ name }) => name === stage))
    t.ok(made[stage]?.includes(source), `${stage} makes ${source}`)
    // `npm run sbom` creates the bill of materials; see test/system/deploy/sbom.test.ts.
    if (source.endsWith('/sbom.cdx.json')) t.equal(root(source.replace('/app/', '')), BILL)
    else t.ok(existsSync(root(source.replace('/app/', ''))), `so does a build in the repository: ${source}`)
  }
})

// Otherwise the image would start and fail at its first query.
t.test(
  'dist/bin has the query compilers of its clients, since the image deletes those of Prisma',
  async t => {
    t.match(stages.find(({ name }) => name === 'dependencies')?.instructions.at(-1)?.text, / -delete$/)
    const clients = readdirSync(root('dist/bin')).filter(file => /^client-\w+\.js$/.test(file))
    const loaded = clients.flatMap(file =>
      [...read(`dist/bin/${file}`).matchAll(/import\("([^"]*query_compiler[^"]*)"\)/g)].map(
        ([, path = '']) => path,
      ),
    )
    for (const path of loaded) t.ok(path.startsWith('./') && existsSync(root(join('dist/bin', path))), path)
    for (const provider of ['sqlite', 'postgresql']) {
      const compiler = `./query_compiler_small_bg.${provider}`
      t.ok(
        loaded.some(path => path.startsWith(`${compiler}-`)),
        `the compiler for ${provider}`,
      )
      t.ok(
        loaded.some(path => path.startsWith(`${compiler}.wasm-base64-`)),
        `its WebAssembly`,
      )
    }
  },
)

t.test('the npm scripts in the Dockerfile exist', async t => {
  const runs = stages.flatMap(({ instructions }) => instructions.filter(({ name }) => name === 'RUN'))
  const scripts = runs.flatMap(({ text }) => [...text.matchAll(/npm run ([\w:-]+)/g)].map(match => match[1]))
  t.same(scripts, ['build', 'sbom'])
  for (const script of scripts) t.ok(packageJson.scripts[script ?? ''], `package.json has ${script}`)
})

t.test('the files that containers start are built from sources that exist', async t => {
  const compose = parse(read('docker-compose.yml'), { merge: true }) as {
    services: Record<string, { command?: string[] }>
  }
  const commands = [JSON.parse(last('CMD') ?? '[]') as string[], compose.services['migrate']?.command ?? []]
  for (const command of commands) {
    t.equal(command[0], 'node', 'exec form: node itself receives the signals')
    const file = command.at(-1) ?? ''
    t.match(file, /^dist\/bin\/\w+\.c?js$/)
    t.ok(existsSync(root(file.replace(/^dist\/bin\/(\w+\.c?)js$/, 'src/$1ts'))), file)
  }
})

t.test('the image starts node with the flags of npm start', async t => {
  const [, command] = /exec (node .*)$/.exec(packageJson.scripts['start'] ?? '') ?? []
  t.equal((JSON.parse(last('CMD') ?? '[]') as string[]).join(' '), command)
})

t.test('the labels of the image name the release', async t => {
  const labels = new Map(
    [...(last('LABEL') ?? '').matchAll(/org\.opencontainers\.image\.(\w+)=("[^"]*"|\S+)/g)].map(
      ([, name = '', value]) => [name, value],
    ),
  )
  t.equal(labels.get('version'), packageJson.version)
  t.equal(labels.get('licenses'), packageJson.license)
  t.ok(labels.has('title') && labels.has('description'))
})

t.test('the command line is on the PATH of the image, with the flags of npm start', async t => {
  const { latchkey = '' } = packageJson.bin
  const run = final.instructions.filter(({ name }) => name === 'RUN').map(({ text }) => text)
  t.ok(run.some(text => text.includes(`chmod +x ${latchkey}`)))
  t.ok(run.some(text => text.includes(`ln -s /app/${latchkey} /usr/local/bin/latchkey`)))
  const [shebang] = read(latchkey).split('\n')
  const [, flags] = /exec node (.*) dist\//.exec(packageJson.scripts['start'] ?? '') ?? []
  t.equal(shebang, `#!/usr/bin/env -S node ${flags}`)
})

t.test('the image runs in production, without root, and stops on SIGTERM', async t => {
  t.equal(last('USER'), 'node')
  t.equal(last('STOPSIGNAL'), 'SIGTERM')
  t.match(last('ENV'), /\bNODE_ENV=production\b/)
  t.match(last('ENV'), /\bHOST=0\.0\.0\.0\b/)
  const order = final.instructions.map(({ name }) => name)
  t.ok(order.lastIndexOf('COPY') < order.indexOf('USER'), 'the files belong to root, the process does not')
  t.ok(order.lastIndexOf('RUN') < order.indexOf('USER'))
})

t.test('no stage contains a secret', async t => {
  for (const { instructions } of stages) {
    for (const { name, text } of instructions) {
      if (name === 'ENV' || name === 'ARG') t.notMatch(text, /SECRET|PASSWORD|TOKEN|_URL/)
    }
  }
})

t.test('the health check passes on 200 only', async t => {
  const [, command = '[]'] = /CMD (\[.*\])$/.exec(last('HEALTHCHECK') ?? '') ?? []
  const [program, ...args] = JSON.parse(command) as string[]
  t.equal(program, 'node')
  let status = 200
  const asked: (string | undefined)[] = []
  const server = createServer((request, response) => {
    asked.push(request.url)
    response.writeHead(status).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const exitStatus = () =>
    new Promise<number>(resolve => {
      const env = { PATH: process.env['PATH'], PORT: String(port) }
      execFile(process.execPath, args, { env }, error => resolve(error === null ? 0 : Number(error.code)))
    })
  t.equal(await exitStatus(), 0)
  status = 503
  t.equal(await exitStatus(), 1)
  await new Promise(resolve => server.close(resolve))
  t.equal(await exitStatus(), 1, 'and not without a listener')
  t.same(asked, ['/health/ready', '/health/ready'])
})
