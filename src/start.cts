/**
 * The entry of the process: sets up libuv's thread pool, on which passwords are hashed, and starts the service.
 *
 * libuv reads the size of its pool when it is first used, and Node uses it to load an ES module: in
 * server.ts it would be too late. So this is no ES module.
 */
const { readdirSync, readFileSync, stat } = process.getBuiltinModule('node:fs')
const { parseEnv } = process.getBuiltinModule('node:util')
const { availableParallelism, getPriority, setPriority } = process.getBuiltinModule('node:os')

/** Ends the process in order. Until the service listens there is nothing to drain. */
let end: (reason: string, exitCode: number) => void = (_reason, exitCode) => process.exit(exitCode)
// Before anything else: a signal without a handler is lost on the first process of a container.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => end(signal, 0))

/** For DNS and files, beside a hash on every core; as many as libuv has without being asked. */
const OTHER_THREADS = 4
/** How much less a hash weighs than the event loop, in steps of nice(1). docs/decisions.md says why. */
const YIELDING = 5
const LEAST_PRIORITY = 19

// An operator's own size may be there.
const chosen = (process.env['UV_THREADPOOL_SIZE'] ?? sizeInFile())?.trim()
if (chosen) process.env['UV_THREADPOOL_SIZE'] = chosen
else process.env['UV_THREADPOOL_SIZE'] = String(availableParallelism() + OTHER_THREADS)

if (process.platform === 'linux') {
  const threads = startPool()
  // A module that was preloaded (`--import`) has used the pool already: it is as large as libuv makes it.
  if (threads.length === 0 && !chosen) delete process.env['UV_THREADPOOL_SIZE']
  threads.forEach(letYield)
}
void start()

async function start() {
  const { reportCrash, structureOutput } = await import('./process-log.ts')
  structureOutput()
  // Rejections that nobody handles come here too.
  process.on('uncaughtException', error => {
    reportCrash(error)
    end('uncaughtException', 1)
  })
  const { startServer } = await import('./server.ts')
  end = await startServer()
}

/** From `.env`, in the encodings that config/env-file.ts reads. A file that cannot be read is reported by server.ts. */
function sizeInFile(): string | undefined {
  try {
    const bytes = readFileSync('.env')
    const mark = bytes.subarray(0, 2).toString('hex')
    const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8'
    return parseEnv(new TextDecoder(encoding).decode(bytes))['UV_THREADPOOL_SIZE']
  } catch {
    return undefined
  }
}

/** Uses the pool for the first time, which starts all its threads. */
function startPool(): number[] {
  const threads = () => readdirSync('/proc/self/task').map(Number)
  const others = new Set(threads())
  stat('.', () => {})
  return threads().filter(thread => !others.has(thread))
}

/**
 * Makes a thread give way to the event loop, which hashes on every core would keep from answering. On
 * Linux a priority belongs to a thread (setpriority(2), Bugs), and lowering one takes no privilege.
 */
function letYield(thread: number) {
  try {
    setPriority(thread, Math.min(getPriority() + YIELDING, LEAST_PRIORITY))
  } catch {
    // A sandbox may forbid even this. It only costs speed under load.
  }
}
