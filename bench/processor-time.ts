/** Processor time from proc(5), so on Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks a second of proc(5), USER_HZ: 100 on every architecture that Node runs on. */
const TICKS = 100

/** @returns milliseconds that all processes of that name have used so far, with all their threads */
export function timeOfProcesses(name: string): number {
  return timeOf('/proc', stat => stat.name === name)
}

/** @returns milliseconds that some threads of a process have used so far; the first has the process's own id */
export function timeOfThreads(pid: number, isMeant: (thread: number) => boolean): number {
  return timeOf(`/proc/${pid}/task`, stat => isMeant(stat.id))
}

function timeOf(folder: string, isMeant: (stat: Stat) => boolean): number {
  return readdirSync(folder)
    .filter(entry => /^\d+$/.test(entry))
    .map(id => statOf(folder, Number(id)))
    .filter(stat => stat !== undefined)
    .filter(isMeant)
    .reduce((sum, { milliseconds }) => sum + milliseconds, 0)
}

interface Stat {
  id: number
  name: string
  milliseconds: number
}

/** Undefined where it has ended meanwhile. */
function statOf(folder: string, id: number): Stat | undefined {
  let text: string
  try {
    text = readFileSync(`${folder}/${id}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // The name stands in parentheses, and may itself have some.
  const end = text.lastIndexOf(')')
  const fields = text.slice(end + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  return { id, name: text.slice(text.indexOf('(') + 1, end), milliseconds: (ticks * 1000) / TICKS }
}
