import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks a second of proc(5), USER_HZ: 100 on every architecture that Node runs on. */
const TICKS = 100

/**
 * Processor time that processes have used so far, from proc(5), so on Linux only.
 *
 * @param isMeant which processes, by id and by the name of what they run
 * @returns milliseconds, of all their threads together
 */
export function processorTime(isMeant: (pid: number, name: string) => boolean): number {
  let ticks = 0
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const stat = statOf(entry)
    // The name stands in parentheses, and may itself have some.
    const [begin, end] = [stat.indexOf('('), stat.lastIndexOf(')')]
    if (!isMeant(Number(entry), stat.slice(begin + 1, end))) continue
    const fields = stat.slice(end + 2).split(' ')
    ticks += Number(fields[11]) + Number(fields[12])
  }
  return (ticks * 1000) / TICKS
}

/** Empty for a process that has ended meanwhile. */
function statOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return '()'
  }
}
