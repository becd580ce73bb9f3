/**
 * The entry of the process: sets up libuv's thread pool, on which passwords are hashed, and starts the service.
 *
 * libuv reads the size of its pool when it is first used, and Node uses it to load an ES module: in
 * server.ts it would be too late. So this is no ES module.
 */
const { existsSync, readdirSync, stat } = process.getBuiltinModule('node:fs')
const { availableParallelism, getPriority, setPriority } = process.getBuiltinModule('node:os')

/** For DNS and files, beside a hash on every core; as many as libuv has without being asked. */
const OTHER_THREADS = 4
/** How much less a hash weighs than the event loop, in steps of nice(1). docs/decisions.md has the figures. */
const YIELDING = 10

// An operator's own size may be there.
if (existsSync('.env')) process.loadEnvFile('.env')
if (!process.env['UV_THREADPOOL_SIZE']?.trim()) {
  process.env['UV_THREADPOOL_SIZE'] = String(availableParallelism() + OTHER_THREADS)
}
letHashesYield()
void import('./server.ts')

/**
 * Makes the threads of the pool give way to the event loop, which hashes on every core would keep from
 * answering. On Linux a priority belongs to a thread (setpriority(2), Bugs), and to lower one takes no
 * privilege; elsewhere, and where the kernel refuses, all are alike.
 */
function letHashesYield() {
  if (process.platform !== 'linux') return
  const threads = () => readdirSync('/proc/self/task').map(Number)
  try {
    const others = new Set(threads())
    // The first job starts all threads of the pool.
    stat('.', () => {})
    for (const thread of threads()) {
      if (!others.has(thread)) setPriority(thread, Math.min(getPriority() + YIELDING, 19))
    }
  } catch {
    // Only slower under load.
  }
}
