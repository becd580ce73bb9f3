import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, getPriority } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { freshDatabase } from '../../harness/database.ts'
import { emptyFolder, serviceEnvironment, startProcess } from '../../harness/process.ts'

/** Threads are read from /proc. */
const skip = process.platform !== 'linux' && 'no /proc'
const cores = availableParallelism()

/** Without the modules that a test runner preloads. */
const PLAIN = ['env', '-u', 'NODE_OPTIONS']

/** Starts the service. Returns the threads of libuv's pool, and the line of the banner about hashing. */
async function started(t: Test, env: Record<string, string> = {}, dotenv = '', through = PLAIN) {
  const cwd = emptyFolder(t)
  writeFileSync(join(cwd, '.env'), dotenv)
  const service = startProcess(t, {
    cwd,
    through,
    env: { ...serviceEnvironment({ DATABASE_URL: await freshDatabase(t) }), ...env },
  })
  const url = await service.listening()
  const pid = Number(service.child.pid)
  const threads = readdirSync(`/proc/${pid}/task`).map(Number)
  const yielding = threads.filter(thread => getPriority(thread) > getPriority(pid))
  return { service, url, pid, yielding, hashes: /hashes by +(.+)\n/.exec(service.stdout())?.[1] ?? '' }
}

t.test('passwords are hashed on every core, with threads left for DNS and files', { skip }, async t => {
  const { service, url, pid, yielding, hashes } = await started(t)
  t.equal(yielding.length, cores + 4, 'threads of the pool, with a lower priority than the event loop')
  t.notOk(yielding.includes(pid))
  t.match(hashes, new RegExp(`, ${cores} at once$`))
  const answer = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'nobody@example.org', password: 'not the password' }),
  })
  t.equal(answer.status, 401)
  t.equal(await service.end('SIGINT'), 0)
})

t.test('UV_THREADPOOL_SIZE sets the size of the pool, in the environment and in .env', { skip }, async t => {
  const inFile = await started(t, {}, 'UV_THREADPOOL_SIZE=9\n')
  t.equal(inFile.yielding.length, 9)
  const both = await started(t, { UV_THREADPOOL_SIZE: '1' }, 'UV_THREADPOOL_SIZE=9\n')
  t.equal(both.yielding.length, 1, 'the environment takes precedence over the file')
  t.match(both.hashes, / 1 at once$/, 'one thread hashes, and other work waits for it')
})

t.test('one core hashes one password at a time', { skip }, async t => {
  const [, core = ''] = /^Cpus_allowed_list:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  // A process may run on as many cores as it inherits (sched_setaffinity(2)).
  const through = [...PLAIN, 'taskset', '-c', core]
  const { url, yielding, hashes } = await started(t, { UV_THREADPOOL_SIZE: ' ' }, '', through)
  t.equal(yielding.length, 1 + 4, 'an empty UV_THREADPOOL_SIZE counts as absent')
  t.match(hashes, /, 1 at once$/)
  t.equal((await fetch(`${url}/health/ready`)).status, 200)
})

t.test('a pool that a preloaded module has started keeps its size', { skip }, async t => {
  const module = encodeURIComponent("import { stat } from 'node:fs/promises'; await stat('.')")
  const preloading = ['env', `NODE_OPTIONS=--import=data:text/javascript,${module}`]
  const { url, yielding, hashes } = await started(t, {}, '', preloading)
  t.equal(yielding.length, 0)
  t.match(hashes, new RegExp(`, ${Math.min(cores, 3)} at once$`), 'of four threads')
  t.equal((await fetch(`${url}/health/ready`)).status, 200)
})
