import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/** Waits for the end of a process. Returns its exit code and output. */
export async function outcome(child: ChildProcess) {
  if (child.stdout === null || child.stderr === null) throw new Error('no pipes')
  const closed = once(child, 'close')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  await closed
  return { code: child.exitCode, stdout, stderr }
}
