/** A process's wall clock that can be set while it runs: Debian's libfaketime in front of the C library. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Teardown } from '../../harness/database.ts'
import { emptyFolder } from '../../harness/process.ts'

export interface SettableClock {
  /** Environment of the process. */
  env: Record<string, string>
  /** Sets it this many seconds off the machine's. Monotonic clocks are not affected. */
  set(seconds: number): void
}

/** @throws Error naming the package to install; no other test covers this, so it is not skipped */
export function settableClock(t: Teardown): SettableClock {
  const file = join(emptyFolder(t), 'offset')
  const set = (seconds: number) => writeFileSync(file, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}\n`)
  set(0)
  return {
    set,
    env: {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: file,
      // Read at each call, or it would be set up to 10 s later.
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
  }
}

function library(): string {
  for (const folder of readdirSync('/usr/lib')) {
    const at = join('/usr/lib', folder, 'faketime')
    const names = folder.includes('-linux-') ? readFolder(at) : []
    if (names.includes('libfaketimeMT.so.1')) return join(at, 'libfaketimeMT.so.1')
  }
  throw new Error("libfaketime is missing: install Debian's package faketime (apt-get install faketime)")
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
