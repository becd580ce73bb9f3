/**
 * Entry of the service: signals, crashes and libuv's thread pool, which hashes passwords; then server.ts. CommonJS,
 * because loading an ES module starts the pool.
 */
const { readdirSync, readFileSync, stat } = process.getBuiltinModule('node:fs')
const { parseEnv } = process.getBuiltinModule('node:util')
const { availableParallelism, getPriority, setPriority } = process.getBuiltinModule('node:os')

/** Replaced right before the service listens. Until then there is nothing to drain. */
let shutDown: (reason: string, exitCode: number) => void = (_reason, exitCode) => process.exit(exitCode)
// First of all: PID 1 of a container ignores a signal that has no handler.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => shutDown(signal, 0))

/** Threads for DNS and files, beside one hash per core; libuv's default size. */
const OTHER_THREADS = 4
/** Steps of nice(1) by which hashing threads yield to the event loop (docs/decisions.md). */
const NICE_STEPS = 5
const LEAST_PRIORITY = 19

const chosen = (process.env['UV_THREADPOOL_SIZE'] ?? configuredSize())?.trim()
if (chosen) process.env['UV_THREADPOOL_SIZE'] = chosen
else process.env['UV_THREADPOOL_SIZE'] = String(availableParallelism() + OTHER_THREADS)

if (process.platform === 'linux') {
  const threads = startPool()
  // A module preloaded with `--import` has started the pool already, with libuv's default size.
  if (threads.length === 0 && !chosen) delete process.env['UV_THREADPOOL_SIZE']
  threads.forEach(lowerPriority)
}
void start()

async function start() {
  const { reportCrash, structureOutput } = await import('./process-log.js')
  structureOutput()
  // Also receives unhandled rejections.
  process.on('uncaughtException', error => {
    reportCrash(error)
    shutDown('uncaughtException', 1)
  })
  const { startServer } = await import('./server.js')
  await startServer(handedOver => {
    shutDown = handedOver
  })
}

/** server.ts reports a `.env` that cannot be read. */
function configuredSize(): string | undefined {
  try {
    const bytes = readFileSync('.env')
    const mark = bytes.subarray(0, 2).toString('hex')
    const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8'
    return parseEnv(new TextDecoder(encoding).decode(bytes))['UV_THREADPOOL_SIZE']
  } catch {
    return undefined
  }
}

/** Starts all threads of the pool by using it once, and returns their ids. */
function startPool(): number[] {
  const threads = () => readdirSync('/proc/self/task').map(Number)
  const others = new Set(threads())
  stat('.', () => {})
  return threads().filter(thread => !others.has(thread))
}

// Hashes on every core would starve the event loop. On Linux a priority belongs to a thread (setpriority(2),
// "Bugs"), and lowering it needs no privilege.
function lowerPriority(thread: number) {
  try {
    setPriority(thread, Math.min(getPriority() + NICE_STEPS, LEAST_PRIORITY))
  } catch {
    // A sandbox may forbid it. That only costs latency under load.
  }
}
