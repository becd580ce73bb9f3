import { readFileSync } from 'node:fs'

/** Resident memory of a process in MB (10^6 bytes): now, and at its most so far. */
export interface Memory {
  now: number
  peak: number
}

/** From proc(5), so on Linux only; undefined elsewhere. */
export function memoryOf(pid: number | undefined): Memory | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const megabytes = (name: string) =>
      (Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024) / 1e6
    return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') }
  } catch {
    return undefined
  }
}
